// How the hits are spread over people and kinds. A choice writes itself into the query, and a second one
// takes it out again.
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { Counts, FacetField } from "../../api/types";
import { s } from "../../strings";
import { Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { capital, number } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { MailText, Seen } from "../../ui/MailText";
import { PaneBack } from "../../ui/Split";
import { type Arranged, arranged } from "./arranged";
import "./facets.css";
import { asksFor, termOf } from "./narrow";
import type { Dialect } from "./state";

const t = s.search.facets;
/** Values that are shown before more are asked for. */
const FEW = 8;

const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
function languageOf(code: string): string {
  try {
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
}

function nameOf(field: FacetField, value: string): string {
  if (field === "language") return languageOf(value);
  if (field === "gap") return capital(s.message.gaps.reasons[value] ?? value);
  return value;
}

interface Props {
  /** Those of the search before, while new ones are on their way. */
  counts: Counts | undefined;
  isBusy: boolean;
  /** Of the list; none while it is on its way. */
  total: number | undefined;
  isFailed: boolean;
  retry: () => void;
  query: string;
  dialect: Dialect;
  onTerm: (term: string) => void;
  onClose: () => void;
  /** Grows when the keyboard asks for the facets. */
  wanted: number;
}

export function Facets({
  counts,
  isBusy,
  total,
  isFailed,
  retry,
  query,
  dialect,
  onTerm,
  onClose,
  wanted,
}: Props) {
  const pane = useRef<HTMLElement>(null);
  useEffect(() => {
    if (wanted) (pane.current?.querySelector<HTMLElement>(".facet-value") ?? pane.current)?.focus();
  }, [wanted]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp")
      walk(pane.current, event.key === "ArrowDown" ? 1 : -1);
    // A key that a button takes is not for the list.
    else if (event.key !== "Enter" && event.key !== " ") return;
    else return event.stopPropagation();
    event.preventDefault();
    event.stopPropagation();
  };
  const { apart, same } = arranged(counts, (field, value) => {
    const term = termOf(field, value, dialect);
    return term !== undefined && asksFor(query, term, dialect);
  });
  return (
    <section
      className="facets"
      aria-label={t.label}
      aria-busy={(isBusy && total !== 0 && !isFailed) || undefined}
      tabIndex={-1}
      ref={pane}
      onKeyDown={onKeyDown}
    >
      <PaneBack onPress={onClose}>{s.search.back}</PaneBack>
      {isFailed ? (
        <Note act={<Button onPress={retry}>{s.ui.retry}</Button>}>{t.failed}</Note>
      ) : total === 0 ? (
        <Note>{t.none}</Note>
      ) : !counts ? (
        <Skeleton lines={14} />
      ) : (
        <>
          {apart.map((facet) => (
            <Facet
              key={facet.field + facet.part}
              facet={facet}
              query={query}
              dialect={dialect}
              onTerm={onTerm}
            />
          ))}
          {same.length > 0 && (
            <div className="facet">
              <h2>{t.same}</h2>
              <dl className="facet-same faint">
                {same.map(({ field, part, value }) => (
                  <div key={field + part} title={value}>
                    <dt>{titleOf(field, part)}</dt>
                    <dd className="clip">
                      <MailText text={nameOf(field, value)} />
                    </dd>
                  </div>
                ))}
              </dl>
            </div>
          )}
        </>
      )}
    </section>
  );
}

const Note = ({ children, act }: { children: ReactNode; act?: ReactNode }) => (
  <div className="facets-note quiet">
    <p>{children}</p>
    {act}
  </div>
);

/** The focus goes to the next button, or the one before. */
function walk(pane: HTMLElement | null, by: number) {
  const all = [...(pane?.querySelectorAll<HTMLElement>("button") ?? [])].filter(
    (button) => button.offsetParent !== null,
  );
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
}

const titleOf = (field: FacetField, part: Arranged["part"]) => (part ? t.media : t.fields[field]);

/** Of an address, the domain gives way first: it is the part that many have. */
function Name({ field, name }: { field: FacetField; name: string }) {
  const at = name.lastIndexOf("@");
  if ((field !== "sender" && field !== "recipient") || at < 1)
    return (
      // Why something was not read is a sentence.
      <span className={field === "gap" ? "facet-words" : "clip"}>
        <MailText text={name} />
      </span>
    );
  return (
    <bdi className="facet-address">
      <span className="clip">
        <Seen text={name.slice(0, at)} />
      </span>
      <span className="clip faint">
        <Seen text={name.slice(at)} />
      </span>
    </bdi>
  );
}

function Facet({
  facet,
  query,
  dialect,
  onTerm,
}: { facet: Arranged } & Pick<Props, "query" | "dialect" | "onTerm">) {
  const [isOpen, setOpen] = useState(false);
  const values = isOpen ? facet.values : facet.values.slice(0, FEW);
  const hidden = facet.values.length - values.length;
  const id = `facet-${facet.field}${facet.part}`;
  return (
    <div className="facet">
      <h2 id={id}>{titleOf(facet.field, facet.part)}</h2>
      <ul aria-labelledby={id}>
        {values.map(({ value, families }) => {
          const term = termOf(facet.field, value, dialect);
          const name = nameOf(facet.field, value);
          const line = (
            <>
              <Name field={facet.field} name={name} />
              <span className="hidden-text">: </span>
              <span className="facet-count">
                {number(families)}
                <span className="hidden-text">{t.unit(families)}</span>
              </span>
            </>
          );
          return (
            <li key={value}>
              {term === undefined ? (
                <span className="facet-value is-plain" title={t.unsaid}>
                  {line}
                </span>
              ) : (
                <button
                  type="button"
                  className="facet-value"
                  aria-pressed={asksFor(query, term, dialect)}
                  title={name === value ? value : `${name} (${value})`}
                  onClick={() => onTerm(term)}
                >
                  {line}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {facet.values.length > FEW && (
        <button type="button" className="facet-more" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
          {isOpen ? t.fewer : t.more(hidden)}
        </button>
      )}
      {facet.more > 0 && isOpen && <p className="facet-rest faint">{t.rest(facet.more)}</p>}
    </div>
  );
}

/** What was chosen, each with a way to take it out. */
export const Narrowed = ({ terms, onTerm }: { terms: string[]; onTerm: (term: string) => void }) =>
  terms.length === 0 ? (
    <p className="narrowed faint tiny">{t.widest}</p>
  ) : (
    <ul className="narrowed" aria-label={t.narrowed}>
      {terms.map((term) => (
        <li key={term}>
          <button type="button" className="chip" aria-label={t.takeOut(term)} onClick={() => onTerm(term)}>
            <span className="clip">
              <MailText text={term} />
            </span>
            <Icon name="x" size={12} />
          </button>
        </li>
      ))}
    </ul>
  );
