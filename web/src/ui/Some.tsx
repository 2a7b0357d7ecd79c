// A long list, some of it at a time: a field that narrows it, the first of what is left, and a way to more.
import { type ReactNode, useDeferredValue, useMemo, useState } from "react";
import { s } from "../strings";
import "./field.css";
import { number } from "./format";

/** What is shown at first, and what each press adds. More at once would hold up the page. */
export const SOME = 50;

/** What of it has these letters; all of it for none. */
export function sift<T>(all: readonly T[], text: string, wordsOf: (one: T) => string): readonly T[] {
  const asked = text.trim().toLowerCase();
  return asked ? all.filter((one) => wordsOf(one).toLowerCase().includes(asked)) : all;
}

export function Some<T>({
  all,
  label,
  wordsOf,
  children,
}: {
  all: readonly T[];
  /** Of the field, which is there where not everything is shown. */
  label: string;
  /** What the field looks at. */
  wordsOf: (one: T) => string;
  children: (some: readonly T[]) => ReactNode;
}) {
  const [text, setText] = useState("");
  const [most, setMost] = useState(SOME);
  const asked = useDeferredValue(text);
  const left = useMemo(() => sift(all, asked, wordsOf), [all, asked, wordsOf]);
  if (all.length <= SOME) return children(all);
  const some = left.slice(0, most);
  const more = left.length - some.length;
  return (
    <>
      <div className="some-head">
        <input
          className="control"
          type="search"
          aria-label={label}
          placeholder={label}
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
            setMost(SOME);
          }}
        />
        <span className="faint small" role="status">
          {s.ui.someOf(some.length, left.length)}
        </span>
      </div>
      {children(some)}
      {more > 0 && (
        <button type="button" className="link-button" onClick={() => setMost(most + SOME)}>
          {s.ui.next(Math.min(more, SOME))} <span className="faint">({number(more)})</span>
        </button>
      )}
    </>
  );
}
