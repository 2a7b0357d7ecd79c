// A long answer, page by page: the rows that are here, and a way to ask for those that are looked at.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { isOffline } from "../../api/client";
import type { Hit } from "../../api/types";
import { useReturn } from "../../app/connection";

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
  useReturn(
    useCallback(() => void (isFetchNextPageError && fetchNextPage()), [isFetchNextPageError, fetchNextPage]),
  );
  const want = useCallback((_first: number, last: number) => setWanted(last), []);
  // What failed for good; a page that is late is not in the way of those that are here.
  const error = isFetchNextPageError && isOffline(query.error) ? null : query.error;
  return { query, error, first: pages?.[0], rows, want };
}
