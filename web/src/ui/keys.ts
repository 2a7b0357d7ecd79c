// Keys that act anywhere on a page: single letters and "g m" pairs, never while someone types.
import { useEffect, useRef } from "react";

/** What a key does; false: nothing now. */
export type Keys = Record<string, (event: KeyboardEvent) => unknown>;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.closest("input, textarea, select, [role=spinbutton], [role=listbox], [role=menu]") !== null);

const PAIR_MS = 1200;
let last = { key: "", at: 0 };
let before = last;

export function useKeys(keys: Keys) {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const ctrl = event.ctrlKey || event.metaKey;
      if (event.defaultPrevented || event.altKey) return;
      if (ctrl) {
        const act = latest.current[`ctrl ${event.key.toLowerCase()}`];
        if (act && act(event) !== false) event.preventDefault();
        return;
      }
      if (typing(event.target) || document.querySelector(".scrim")) return;
      const isPair = before.key === "g" && event.timeStamp - before.at < PAIR_MS;
      const act = latest.current[isPair ? `g ${event.key}` : event.key];
      if (act && act(event) !== false) event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

/** The keys of a list, wherever the focus is. */
export function useListKeys(
  count: number,
  active: number | undefined,
  move: (index: number) => void,
  open?: (index: number) => void,
) {
  const step = (by: number) => () => {
    if (count) move(Math.min(Math.max((active ?? (by > 0 ? -1 : count)) + by, 0), count - 1));
  };
  const enter = (event: KeyboardEvent) => {
    // What has the focus may have a meaning of its own for it.
    if (event.target !== document.body || active === undefined) return false;
    open?.(active);
    return true;
  };
  useKeys({ j: step(1), k: step(-1), ...(open ? { Enter: enter } : {}) });
}

/** Remembers the key before, for the pairs. Installed once; it hears each key before the pages do. */
export function watchFirstKeys() {
  addEventListener(
    "keydown",
    (event) => {
      before = last;
      const isOurs = !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target);
      // The second key of a pair is not the first of another.
      last = { key: isOurs && before.key !== "g" ? event.key : "", at: event.timeStamp };
    },
    { capture: true },
  );
}
