// The thread: the messages that this one answers and that answer it, each below the one it answers.
import { useQuery } from "@tanstack/react-query";
import type { ThreadMessage } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { type Column, Table } from "../../ui/Table";
import { Sent, Subject, useZoned, Who } from "../../ui/values";
import { useIsPhone } from "../../ui/width";

const t = s.message.thread;
/** Deeper ones are not moved further: the subject needs the room. */
const DEPTH_MAX = 6;
const STEP = 12;

const TWO_LINES = 52;

/** On a phone in two lines. */
const phoneColumns: Column<ThreadMessage>[] = [
  {
    id: "message",
    title: t.message,
    width: "minmax(0, 1fr)",
    cell: ({ hit, depth }) => (
      <span className="thread-lines" style={{ paddingLeft: Math.min(depth, DEPTH_MAX) * STEP }}>
        <span className="row">
          {depth > 0 && <span className="hidden-text">{t.depth(depth)}</span>}
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
];

const columnsOf = (zoned: (title: string) => string): Column<ThreadMessage>[] => [
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
    cell: ({ hit, depth }) => (
      <span className="thread-from" style={{ paddingLeft: Math.min(depth, DEPTH_MAX) * STEP }}>
        {depth > 0 && <span className="hidden-text">{t.depth(depth)}</span>}
        <Who from={hit.from} />
      </span>
    ),
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

export function ThreadView({ id, matter, onOpen }: Props) {
  const thread = useQuery(q.thread(id, matter));
  const zoned = useZoned();
  const isPhone = useIsPhone();
  return (
    <Await query={thread}>
      {({ messages, is_cut }) => (
        <div className="view-thread">
          <Table
            label={t.label}
            columns={isPhone ? phoneColumns : columnsOf(zoned)}
            rowHeight={isPhone ? TWO_LINES : undefined}
            count={messages.length}
            row={(i) => messages[i]}
            rowClass={({ hit }) => (hit.id === id ? "is-selected" : "")}
            onOpen={({ hit }) => onOpen(hit.id)}
          />
          <p className="faint small view-thread-foot">
            {messages.length > 1 ? t.why : t.alone} {is_cut && t.cut(messages.length)}
          </p>
        </div>
      )}
    </Await>
  );
}
