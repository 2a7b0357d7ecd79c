// Whether the archive answers. When it does not, it is asked until it does; then what failed is asked for again, and
// what was typed has stayed where it was.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { ApiError, isOffline, reach, whenOffline } from "../api/client";
import { queryClient } from "./queries";

const PAUSE_MS = 2000;
const watchers = new Set<() => void>();
let isLost = false;

function become(lost: boolean) {
  isLost = lost;
  for (const tell of watchers) tell();
}

async function lose() {
  if (isLost) return;
  become(true);
  for (;;) {
    await new Promise((go) => setTimeout(go, PAUSE_MS));
    try {
      await reach();
      break;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  become(false);
  // A list that has rows goes on by itself: asking for all of it again would be another search.
  await queryClient.refetchQueries({
    type: "active",
    predicate: ({ state }) => isOffline(state.error) && state.data === undefined,
  });
}

export function watchConnection() {
  whenOffline(() => void lose());
}

const watch = (tell: () => void) => {
  watchers.add(tell);
  return () => watchers.delete(tell);
};
export const useIsLost = () => useSyncExternalStore(watch, () => isLost);

/** Does it each time that the archive answers again. */
export function useReturn(act: () => void) {
  const lost = useIsLost();
  const was = useRef(lost);
  useEffect(() => {
    if (was.current && !lost) act();
    was.current = lost;
  }, [lost, act]);
}
