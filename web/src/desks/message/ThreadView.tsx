// The thread: the messages that this one answers and that answer it, each below the one it answers, and
// why they are here where a message id does not say so.
import { useQuery } from "@tanstack/react-query";
import type { ThreadMessage } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { type Column, Table } from "../../ui/Table";
import { Badge, Sent, Subject, useZoned, Who } from "../../ui/values";
import { useIsPhone } from "../../ui/width";

const t = s.message.thread;
/** Deeper ones are not moved further: the subject needs the room. */
const DEPTH_MAX = 6;
const STEP = 12;

const TWO_LINES = 52;

const About = ({ hit, evidence }: ThreadMessage) => (
  <span className="thread-about">
    <span className="clip">
      <Subject text={hit.subject} />
    </span>
    {evidence === "subject" && <Badge tone="plain">{t.subjectOnly}</Badge>}
  </span>
);

/** On a phone in two lines. */
const phoneColumns: Column<ThreadMessage>[] = [
  {
    id: "message",
    title: t.message,
    width: "minmax(0, 1fr)",
    cell: ({ hit, depth, evidence }) => (
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
        <About hit={hit} depth={depth} evidence={evidence} />
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
    cell: (row) => <About {...row} />,
  },
];

/** What says that they are of the thread. */
function why(messages: ThreadMessage[]) {
  const by = (evidence: ThreadMessage["evidence"]) =>
    messages.filter((message) => message.evidence === evidence).length;
  const [index, subject] = [by("thread-index"), by("subject")];
  if (messages.length < 2) return t.alone;
  return [t.why, index > 0 && t.byIndex(index), subject > 0 && t.bySubject(subject)]
    .filter(Boolean)
    .join(" ");
}

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
            {why(messages)} {is_cut && t.cut(messages.length)}
          </p>
        </div>
      )}
    </Await>
  );
}
