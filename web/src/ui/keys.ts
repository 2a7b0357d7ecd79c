// Keys that act anywhere on a page: single letters and "g m" pairs, never while someone types.
import { useEffect, useRef } from "react";

export type Keys = Record<string, (event: KeyboardEvent) => void>;

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
        if (act) {
          event.preventDefault();
          act(event);
        }
        return;
      }
      if (typing(event.target) || document.querySelector(".scrim")) return;
      const isPair = before.key === "g" && event.timeStamp - before.at < PAIR_MS;
      const act = latest.current[isPair ? `g ${event.key}` : event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
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
