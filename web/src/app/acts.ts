// What can be done on the page that is open, for the palette. A page says its acts while it is shown.
import { useEffect, useRef } from "react";
import type { IconName } from "../ui/icons";

export interface Act {
  id: string;
  name: string;
  icon: IconName;
  note?: string;
  run: () => void;
}

const shown = new Set<{ current: readonly Act[] }>();

export function useActs(acts: readonly Act[]) {
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  useEffect(() => {
    shown.add(latest);
    return () => void shown.delete(latest);
  }, []);
}

export const actsHere = () => [...shown].flatMap((acts) => acts.current);
