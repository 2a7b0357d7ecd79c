// Keys that act anywhere on a page: single letters and "g m" pairs, never while someone types.
import { useEffect, useRef } from "react";

export type Keys = Record<string, (event: KeyboardEvent) => void>;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.closest("input, textarea, select, [role=spinbutton], [role=listbox], [role=menu]") !== null);

let first = "";
let firstAt = 0;

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
      const pair =
        first && event.timeStamp - firstAt < 1200 ? latest.current[`${first} ${event.key}`] : undefined;
      const act = pair ?? (first && event.timeStamp - firstAt < 1200 ? undefined : latest.current[event.key]);
      if (!act) return;
      event.preventDefault();
      first = "";
      act(event);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

/** Remembers a `g` for the pairs. Installed once; it acts after every listener has had its turn. */
export function watchFirstKeys() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    // A task, not a microtask: those run between listeners.
    setTimeout(() => {
      first = event.key === "g" ? "g" : "";
      firstAt = event.timeStamp;
    });
  });
}
