// The hits: one line each, or two on a phone, whatever their number.
import { useLayoutEffect, useRef, useState } from "react";
import type { Hit } from "../../api/types";
import { s } from "../../strings";
import { number } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { plain } from "../../ui/mail";
import { type Column, Table } from "../../ui/Table";
import { Marked, Sent, Subject, Time, useZoned, Who } from "../../ui/values";
import "./hits.css";
import { trimmed } from "./state";

/** What leads to the first mark gives way to it where there is little room, and what follows takes the rest. */
function Snippet({ text, marks }: { text: string; marks: number[][] }) {
  const [from = 0, to = 0] = marks[0] ?? [];
  if (to <= from) return <Marked text={text} marks={marks} />;
  const after = marks.slice(1).map((mark) => mark.map((at) => at - to));
  return (
    <bdi className="snippet">
      <span className="snippet-lead">
        <span>{plain(text.slice(0, from))}</span>
      </span>
      <mark>{plain(text.slice(from, to))}</mark>
      <span className="snippet-rest">
        <Marked text={text.slice(to)} marks={after} />
      </span>
    </bdi>
  );
}

function Signs({ hit }: { hit: Hit }) {
  return (
    <span className="signs">
      {hit.attachments > 0 && (
        <span className="sign" title={s.search.attachments(hit.attachments)}>
          <Icon name="clip" size={14} />
          {hit.attachments > 1 && number(hit.attachments)}
          <span className="hidden-text">{s.search.attachments(hit.attachments)}</span>
        </span>
      )}
      {hit.deliveries > 1 && (
        <span className="sign" title={s.search.deliveries(hit.deliveries)}>
          <Icon name="layers" size={14} />
          {number(hit.deliveries)}
          <span className="hidden-text">{s.search.deliveries(hit.deliveries)}</span>
        </span>
      )}
      {hit.is_held && (
        <span className="sign sign-hold" title={s.search.held}>
          <Icon name="hold" size={14} />
          <span className="hidden-text">{s.search.held}</span>
        </span>
      )}
      {hit.unproven > 0 && (
        <span className="sign sign-source" title={s.search.unprovenOf(hit.unproven, hit.deliveries)}>
          <Icon name="alert" size={14} />
          {s.search.unprovenMark}
        </span>
      )}
    </span>
  );
}

const columnsOf = (isSent: boolean, zoned: (title: string) => string, room: Room): Column<Hit>[] => [
  {
    id: "time",
    title: zoned(isSent ? s.search.columns.sentTime : s.search.columns.time),
    width: room === "wide" ? "122px" : "84px",
    cell: (hit) => (
      <span className="hit-time quiet">
        {isSent ? (
          // Beside the word that it is undated there is room for the day only.
          <Sent of={hit} short={room !== "wide" && !hit.sent_at} />
        ) : (
          <Time at={hit.received_at} />
        )}
      </span>
    ),
  },
  {
    id: "from",
    title: s.search.columns.from,
    width: room === "wide" ? "minmax(84px, 22%)" : "minmax(72px, 20%)",
    cell: (hit) => (
      <span className="hit-from">
        <Who from={hit.from} />
      </span>
    ),
  },
  {
    id: "subject",
    title: s.search.columns.subject,
    width: "minmax(0, 1fr)",
    cell: (hit) => (
      <span className="hit-line">
        <span className="hit-subject">
          <Subject text={hit.subject} marks={hit.subject_marks} />
        </span>
        {hit.snippet.text && (
          <span className={hit.snippet.marks.length ? "hit-snippet is-marked" : "hit-snippet"}>
            <Snippet {...trimmed(hit.snippet)} />
          </span>
        )}
      </span>
    ),
  },
  {
    id: "signs",
    title: s.search.columns.marks,
    width: "max-content",
    isTitleHidden: true,
    align: "end",
    cell: (hit) => <Signs hit={hit} />,
  },
];

/** How wide the list is: beside a message at 1280 px, and on a phone, it is narrow, and hits have two lines. */
type Room = "wide" | "narrow";
const WIDE = 700;
const TWO_LINES = 52;
const roomOf = (width: number): Room => (width >= WIDE ? "wide" : "narrow");

export function HitList({
  count,
  row,
  onRange,
  active,
  onActive,
  onOpen,
  selected,
  onSelect,
  isSent,
}: {
  count: number;
  row: (index: number) => Hit | undefined;
  onRange: (first: number, last: number) => void;
  active?: number | undefined;
  onActive: (index: number) => void;
  onOpen?: (index: number) => void;
  selected?: ReadonlySet<number>;
  onSelect?: (index: number, extend: boolean) => void;
  isSent: boolean;
}) {
  const zoned = useZoned();
  const box = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Room>("wide");
  const columns = columnsOf(isSent, zoned, room);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setRoom(roomOf(box.current?.clientWidth ?? WIDE)));
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={box} className={`hit-list is-${room}`}>
      <Table
        label={s.search.results}
        rowHeight={room === "narrow" ? TWO_LINES : undefined}
        columns={columns}
        count={count}
        row={row}
        onRange={onRange}
        active={active}
        onActive={onActive}
        onOpen={onOpen && ((_: Hit, index) => onOpen(index))}
        selected={selected}
        onSelect={onSelect}
      />
    </div>
  );
}
