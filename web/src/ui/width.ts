// How much room there is, where the layout itself is another. The style sheets say the same.
import { useSyncExternalStore } from "react";

/** Two panes don't stand side by side. */
const NARROW = matchMedia("(max-width: 820px)");
/** Rows have two lines. */
const PHONE = matchMedia("(max-width: 600px)");

export const isNarrow = () => NARROW.matches;

const watch = (tell: () => void) => {
  PHONE.addEventListener("change", tell);
  return () => PHONE.removeEventListener("change", tell);
};
export const useIsPhone = () => useSyncExternalStore(watch, () => PHONE.matches);
