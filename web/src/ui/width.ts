// How much room there is, where the layout itself is another. The style sheets say the same.
import { useSyncExternalStore } from "react";

/** Two panes don't stand side by side. */
const NARROW = matchMedia("(max-width: 820px)");
/** Rows have two lines. */
const PHONE = matchMedia("(max-width: 600px)");
/** Three panes stand side by side. */
const WIDE = matchMedia("(min-width: 1600px)");

export const isNarrow = () => NARROW.matches;

const watching = (query: MediaQueryList) => (tell: () => void) => {
  query.addEventListener("change", tell);
  return () => query.removeEventListener("change", tell);
};
const watchPhone = watching(PHONE);
const watchWide = watching(WIDE);
export const useIsPhone = () => useSyncExternalStore(watchPhone, () => PHONE.matches);
export const useIsWide = () => useSyncExternalStore(watchWide, () => WIDE.matches);
