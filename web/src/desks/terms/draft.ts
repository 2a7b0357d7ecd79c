// What was written on the page of terms, kept while its writer looks elsewhere in the app and stays
// signed in.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReportBody } from "../../api/types";

export interface Draft {
  first: string;
  second: string;
  isCompared: boolean;
  /** What the families that are shown are drawn by. */
  seed: number;
  /** What is counted below. */
  asked?: ReportBody;
}

const KEY = ["terms-draft"];
const EMPTY: Draft = { first: "", second: "", isCompared: false, seed: 1 };

export function useDraft(): [Draft, (part: Partial<Draft>) => void] {
  const client = useQueryClient();
  const { data = EMPTY } = useQuery({
    queryKey: KEY,
    queryFn: () => EMPTY,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
  const change = (part: Partial<Draft>) =>
    client.setQueryData<Draft>(KEY, (before = EMPTY) => ({ ...before, ...part }));
  return [data, change];
}
