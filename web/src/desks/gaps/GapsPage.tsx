// What could not be indexed in full: counts by reason, and the documents one by one. Of a matter, or of all.
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { api } from "../../api/calls";
import type { Gap } from "../../api/types";
import { s } from "../../strings";
import { Empty, Failed, Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Choose } from "../../ui/Field";
import { number } from "../../ui/format";
import { MailText } from "../../ui/MailText";
import { Card, Page } from "../../ui/Page";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Hash } from "../../ui/values";

const t = s.gaps;
const route = getRouteApi("/gaps");
const PAGE = 200;

const whyOf = (reason: string) => s.message.gaps.reasons[reason] ?? s.message.gaps.other;

const columnsOf = (matter: number | undefined): Column<Gap>[] => [
  {
    id: "document",
    title: t.document,
    width: "minmax(0, 1.400fr)",
    cell: (gap) => (
      <span className="clip">{gap.path ? <MailText text={gap.path} /> : s.message.gaps.message}</span>
    ),
  },
  {
    id: "reason",
    title: t.reason,
    width: "minmax(0, 1fr)",
    cell: (gap) => (
      <span className="clip" title={gap.detail}>
        {whyOf(gap.reason)}
      </span>
    ),
  },
  {
    id: "type",
    title: t.type,
    width: "minmax(0, 0.900fr)",
    isForRoom: true,
    cell: (gap) => <span className="clip quiet">{gap.media_type}</span>,
  },
  {
    id: "record",
    title: t.record,
    width: "150px",
    isForRoom: true,
    cell: (gap) => <Hash value={gap.record_id} />,
  },
  {
    id: "message",
    title: t.message,
    width: "70px",
    cell: (gap) =>
      gap.message_id !== null && gap.message_id !== undefined ? (
        <Link to="/search" search={{ matter, m: gap.message_id }}>
          {t.open}
        </Link>
      ) : (
        <span className="faint">{t.noMessage}</span>
      ),
  },
];

export function GapsPage() {
  const { matter, reason } = route.useSearch();
  const navigate = route.useNavigate();
  useTitle(t.title);
  const query = useInfiniteQuery({
    queryKey: ["gaps", matter, reason],
    queryFn: ({ pageParam }) => api.gaps({ matter, reason, cursor: pageParam, limit: PAGE }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    // Asking again is an act, and is in the audit.
    staleTime: Number.POSITIVE_INFINITY,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.gaps) ?? [], [query.data]);
  const columns = useMemo(() => columnsOf(matter), [matter]);
  const row = useCallback((index: number) => rows[index], [rows]);
  const counts = query.data?.pages[0]?.counts ?? [];
  const reasons = new Map<string, number>();
  for (const each of counts) reasons.set(each.reason, (reasons.get(each.reason) ?? 0) + each.gaps);
  const all = [...reasons.values()].reduce((sum, gaps) => sum + gaps, 0);
  return (
    <Page title={t.title} note={t.why}>
      {query.error && !query.data ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : !query.data ? (
        <Skeleton lines={12} />
      ) : all === 0 ? (
        <Empty icon="check" title={t.none}>
          {t.noneWhy}
        </Empty>
      ) : (
        <>
          <div className="short-choice">
            <Choose
              label={t.reason}
              value={reason ?? "any"}
              onChange={(id) =>
                void navigate({ search: { matter, reason: id === "any" ? undefined : id }, replace: true })
              }
              choices={[
                { id: "any", name: t.all(all) },
                ...[...reasons]
                  .sort(([, a], [, b]) => b - a)
                  .map(([id, gaps]) => ({ id, name: `${whyOf(id)} (${number(gaps)})` })),
              ]}
            />
          </div>
          <Card title={t.documents(reason ? (reasons.get(reason) ?? 0) : all)} isFlush>
            <Table isWhole label={t.title} columns={columns} count={rows.length} row={row} />
          </Card>
          {query.hasNextPage && (
            <Button isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
              {t.more}
            </Button>
          )}
        </>
      )}
    </Page>
  );
}
