// Near-duplicates: messages whose text is nearly that of this one, with what they have in common.
import { useQuery } from "@tanstack/react-query";
import type { NearMessage } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { percent } from "../../ui/format";
import { type Column, Table } from "../../ui/Table";
import { Sent, Subject, useZoned, Who } from "../../ui/values";
import { useIsPhone } from "../../ui/width";

const t = s.message.near;
const notCompared = { "no-text": t.noText, "too-long": t.tooLong };

const TWO_LINES = 52;

const share: Column<NearMessage> = {
  id: "share",
  title: t.share,
  width: "88px",
  align: "end",
  cell: (row) => percent(row.percent),
};

/** On a phone in two lines. */
const phoneColumns: Column<NearMessage>[] = [
  {
    id: "message",
    title: t.message,
    width: "minmax(0, 1fr)",
    cell: ({ hit }) => (
      <span className="thread-lines">
        <span className="row">
          <span className="strong grow clip">
            <Who from={hit.from} />
          </span>
          <span className="faint">
            <Sent of={hit} />
          </span>
        </span>
        <span className="clip">
          <Subject text={hit.subject} />
        </span>
      </span>
    ),
  },
  share,
];

const columnsOf = (zoned: (title: string) => string): Column<NearMessage>[] => [
  share,
  {
    id: "time",
    title: zoned(s.search.columns.sentTime),
    width: "128px",
    cell: ({ hit }) => (
      <span className="quiet">
        <Sent of={hit} />
      </span>
    ),
  },
  {
    id: "from",
    title: s.search.columns.from,
    width: "minmax(96px, 30%)",
    cell: ({ hit }) => <Who from={hit.from} />,
  },
  {
    id: "subject",
    title: s.search.columns.subject,
    width: "minmax(0, 1fr)",
    cell: ({ hit }) => (
      <span className="clip">
        <Subject text={hit.subject} />
      </span>
    ),
  },
];

interface Props {
  id: number;
  matter: number | null;
  onOpen: (id: number) => void;
}

export function NearView({ id, matter, onOpen }: Props) {
  const near = useQuery(q.near(id, matter));
  const zoned = useZoned();
  const isPhone = useIsPhone();
  return (
    <Await query={near}>
      {({ messages, is_cut, not_compared }) => (
        <div className="view-thread">
          {messages.length > 0 && (
            <Table
              label={t.label}
              columns={isPhone ? phoneColumns : columnsOf(zoned)}
              rowHeight={isPhone ? TWO_LINES : undefined}
              count={messages.length}
              row={(i) => messages[i]}
              onOpen={({ hit }) => onOpen(hit.id)}
            />
          )}
          <p className="faint small view-thread-foot">
            {not_compared ? notCompared[not_compared] : messages.length ? t.why : t.none} {is_cut && t.cut}
          </p>
        </div>
      )}
    </Await>
  );
}
