// A long answer, page by page: the rows that are here, and a way to ask for those that are looked at.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import type { Hit } from "../../api/types";

interface Page {
  hits: Hit[];
  next?: string | null;
}

/** The first pages are small so that they are quick; further ones are large so that there are few. */
const limitOf = (pagesBefore: number) => (pagesBefore < 2 ? 50 : 200);

export function usePages<P extends Page>(
  key: readonly unknown[],
  fetch: (cursor: string | undefined, limit: number) => Promise<P>,
  enabled: boolean,
) {
  const [wanted, setWanted] = useState(0);
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => fetch(pageParam.cursor, pageParam.limit),
    initialPageParam: { cursor: undefined as string | undefined, limit: limitOf(0) },
    getNextPageParam: (last, all) =>
      last.next ? { cursor: last.next, limit: limitOf(all.length) } : undefined,
    enabled,
    // A result is what was found then. Asking again is an act, and is in the audit.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap((page) => page.hits) ?? [], [pages]);
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  useEffect(() => {
    if (rows.length < wanted && hasNextPage && !isFetchingNextPage && !isFetchNextPageError)
      void fetchNextPage();
  }, [rows.length, wanted, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const want = useCallback((_first: number, last: number) => setWanted(last), []);
  return { query, first: pages?.[0], rows, want };
}
