// How many gaps there are by reason, source, custodian and type. One press narrows the list, another widens it again.
import { type KeyboardEvent, type RefObject, useState } from "react";
import type { Gaps, GapsAsked } from "../../api/types";
import { s } from "../../strings";
import { capital, number } from "../../ui/format";
import { MailText } from "../../ui/MailText";
import "../search/facets.css";
import { type Choosable, choosable, KINDS, type Kind } from "./asked";
import { type NameOf, whyOf } from "./words";

const t = s.gaps;
/** Values that are shown before more are asked for. */
const FEW = 8;

interface Props {
  found: Gaps;
  asked: GapsAsked;
  nameOf: NameOf;
  onChoose: (kind: Kind, value: string) => void;
}

export function Counts({
  pane,
  isHidden,
  isBusy,
  ...props
}: Props & {
  pane: RefObject<HTMLElement | null>;
  /** Where there is no room beside the list. */
  isHidden: boolean;
  /** Those before, while others are on their way. */
  isBusy: boolean;
}) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    walk(pane.current, event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
  };
  return (
    <section
      className={isHidden ? "card gap-counts is-hidden" : "card gap-counts"}
      id="gap-counts"
      aria-label={t.counts}
      aria-busy={isBusy || undefined}
      ref={pane}
      onKeyDown={onKeyDown}
    >
      {KINDS.map((kind) => (
        <Kinds key={kind} kind={kind} {...props} />
      ))}
    </section>
  );
}

/** The focus goes to the next button, or the one before. */
function walk(pane: HTMLElement | null, by: number) {
  const all = [...(pane?.querySelectorAll("button") ?? [])];
  const at = all.indexOf(document.activeElement as HTMLButtonElement);
  all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
}

const TITLES = { reason: t.reason, source: t.source, custodian: t.custodian, media_type: t.type };

function Kinds({ kind, found, asked, nameOf, onChoose }: Props & { kind: Kind }) {
  const [isOpen, setOpen] = useState(false);
  const all = choosable(found, asked, kind, nameOf);
  if (!all.length) return null;
  const shown = isOpen ? all : all.slice(0, FEW);
  const id = `gaps-${kind}`;
  return (
    <div className="facet">
      <h2 id={id}>{TITLES[kind]}</h2>
      <ul aria-labelledby={id}>
        {shown.map((one) => (
          <li key={one.value}>
            {one.value === "" ? (
              <span className="facet-value is-plain">
                <Line kind={kind} one={one} />
              </span>
            ) : (
              <button
                type="button"
                className="facet-value"
                aria-pressed={String(asked[kind]) === one.value}
                title={one.name}
                onClick={() => onChoose(kind, one.value)}
              >
                <Line kind={kind} one={one} />
              </button>
            )}
          </li>
        ))}
      </ul>
      {all.length > FEW && (
        <button type="button" className="facet-more" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
          {isOpen ? s.search.facets.fewer : s.search.facets.more(all.length - shown.length)}
        </button>
      )}
    </div>
  );
}

/** Why something was not read is a sentence. */
const Line = ({ kind, one }: { kind: Kind; one: Choosable }) => (
  <>
    <span className={kind === "reason" ? "facet-words" : "clip"}>
      {kind === "reason" ? capital(whyOf(one.name)) : <MailText text={one.name || t.untyped} />}
    </span>
    <span className="hidden-text">: </span>
    <span className="facet-count">
      {number(one.gaps)}
      <span className="hidden-text">{t.unit(one.gaps)}</span>
    </span>
  </>
);
