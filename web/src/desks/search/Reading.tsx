// How the query was read: its parts, and what its words that stand for many stand for. It lies over the page,
// which so keeps its place whatever is asked.
import { Button, Dialog, DialogTrigger, Popover } from "react-aria-components";
import type { components } from "../../api/schema";
import { s } from "../../strings";
import { Icon } from "../../ui/icons";

type Results = components["schemas"]["Results"];
/** What each part finds by itself, when that is counted. */
type Parts = (number | null)[] | undefined;

/** The way to it, which says whether the query was understood as its writer may not think. */
export function ReadAs({ asked, found, parts }: { asked: string; found: Results; parts: Parts }) {
  const { parsed, warnings, tree, expansions, zone } = found;
  const isOther = Boolean(parsed && asked && parsed !== asked);
  const isLong = tree.length + expansions.length > 1;
  if (!isOther && !isLong && !zone && !warnings.length) return null;
  return (
    <DialogTrigger>
      <Button className={warnings.length ? "query-read is-noted" : "query-read"}>
        {warnings.length > 0 && <Icon name="alert" size={14} />}
        <span>
          {warnings.length ? s.search.notes(warnings.length) : s.search.read}
          <span className="hidden-text">: {s.search.reading}</span>
        </span>
      </Button>
      <span className="hidden-text" role="status">
        {warnings.join(" ")}
      </span>
      <Popover className="popover query-help" placement="bottom end" offset={8}>
        <Dialog aria-label={s.search.reading} className="card-body stack query-reading">
          <h3>{s.search.reading}</h3>
          {warnings.map((warning) => (
            <p key={warning} className="query-warning small">
              {warning}
            </p>
          ))}
          {isOther && (
            <p className="small">
              <span className="faint">{s.search.understood}</span> <code>{parsed}</code>
            </p>
          )}
          {zone && <p className="small quiet">{s.search.daysOf(zone)}</p>}
          {isLong && <Tree {...found} parts={parts} />}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function Tree({
  tree,
  parts,
  expansions,
  snapshot,
}: Pick<Results, "tree" | "expansions" | "snapshot"> & { parts: Parts }) {
  return (
    <div className="stack stack-tight small">
      <ul className="reading-tree">
        {tree.map((row, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows of one reading never move
          <li key={at} style={{ paddingInlineStart: `${row.depth * 16}px` }}>
            {row.text}
            {typeof parts?.[at] === "number" && <span className="faint"> · {s.families(parts[at])}</span>}
          </li>
        ))}
      </ul>
      {expansions.map((expansion) => (
        <p key={expansion.word}>
          <code>{expansion.word}</code> {s.search.standsFor(expansion.stands_for.length, expansion.is_cut)}{" "}
          <span className="quiet">
            {expansion.stands_for.map(({ word, documents }) => `${word} (${documents})`).join(", ")}
          </span>
        </p>
      ))}
      <p className="faint tiny">
        {s.search.snapshot(snapshot.cursor, snapshot.index_version, snapshot.tokenizer_version)}
      </p>
    </div>
  );
}
