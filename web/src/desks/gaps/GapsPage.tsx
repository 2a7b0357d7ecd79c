// What could not be indexed in full: counts that narrow, the documents one by one, and reading them again. Of a
// matter, or of all.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { api, links } from "../../api/calls";
import type { Gap, Gaps, GapsAsked } from "../../api/types";
import { useActs } from "../../app/acts";
import { q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Empty, Failed, Skeleton } from "../../ui/Await";
import { Button, ButtonLink } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { useKeys, useListKeys } from "../../ui/keys";
import { MailText } from "../../ui/MailText";
import { plain } from "../../ui/mail";
import { Card, Page } from "../../ui/Page";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Hash, Note, Zone } from "../../ui/values";
import { AskRetry } from "./AskRetry";
import { chosen, isNarrowed, KINDS, type Kind, queryOf } from "./asked";
import { Counts } from "./Counts";
import "./gaps.css";
import { Retries } from "./Retries";
import { type NameOf, whyOf, wordsOf } from "./words";

const t = s.gaps;
const route = getRouteApi("/gaps");
const PAGE = 200;

const columnsOf = (matter: number | undefined): Column<Gap>[] => [
  {
    id: "document",
    title: t.document,
    width: "minmax(0, 1.400fr)",
    cell: (gap) =>
      gap.path ? (
        <span title={plain(gap.path)}>
          <MailText text={gap.path} />
        </span>
      ) : (
        <span className="quiet">{s.message.gaps.message}</span>
      ),
  },
  {
    id: "reason",
    title: t.reason,
    width: "minmax(0, 1.100fr)",
    cell: (gap) => <span title={plain(`${whyOf(gap.reason)}: ${gap.detail}`)}>{whyOf(gap.reason)}</span>,
  },
  {
    id: "type",
    title: t.type,
    width: "minmax(0, 0.900fr)",
    isForRoom: true,
    cell: (gap) => (
      <span className="quiet" title={plain(gap.media_type)}>
        <MailText text={gap.media_type} />
      </span>
    ),
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
    width: "60px",
    cell: (gap) =>
      gap.message_id !== null ? (
        <Link to="/search" search={{ matter, m: gap.message_id }}>
          {t.open}
        </Link>
      ) : (
        <span className="faint">{t.noMessage}</span>
      ),
  },
];

export function GapsPage() {
  const asked = route.useSearch();
  const matter = useQuery({ ...q.matter(asked.matter ?? 0), enabled: asked.matter !== undefined });
  const name = asked.matter === undefined ? t.whole : matter.data && t.of(matter.data.name);
  useTitle(name ?? t.title);
  const query = useInfiniteQuery({
    queryKey: ["gaps", asked],
    queryFn: ({ pageParam }) => api.gaps({ ...asked, cursor: pageParam, limit: PAGE }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    // Asking again is an act, and is in the audit. But a list that was left is not what it was: readings end.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    // While another count is on its way, the page stays as it is.
    placeholderData: (before) => before,
  });
  const first = query.data?.pages[0];
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.gaps) ?? [], [query.data]);
  const [endedAt, setEndedAt] = useState(0);
  const onEnd = useCallback(() => setEndedAt(Date.now()), []);
  return (
    <Zone value={asked.matter === undefined ? "UTC" : matter.data?.zone}>
      {query.error && !query.data ? (
        <Page title={t.title}>
          <Failed error={query.error} retry={() => void query.refetch()} />
        </Page>
      ) : !first ? (
        <Page title={t.title}>
          <Skeleton lines={12} />
        </Page>
      ) : (
        <Shown
          asked={asked}
          title={name ?? t.title}
          found={first}
          isBusy={query.isPlaceholderData}
          rows={rows}
          more={
            query.hasNextPage && (
              <Button isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
                {t.more}
              </Button>
            )
          }
          renew={endedAt > query.dataUpdatedAt ? () => void query.refetch() : undefined}
          onEnd={onEnd}
        />
      )}
    </Zone>
  );
}

function Shown({
  asked,
  title,
  found,
  isBusy,
  rows,
  more,
  renew,
  onEnd,
}: {
  asked: GapsAsked;
  title: string;
  found: Gaps;
  /** Of what was asked before. */
  isBusy: boolean;
  rows: readonly Gap[];
  more: ReactNode;
  /** There where the list is not what it was any more. */
  renew: (() => void) | undefined;
  onEnd: () => void;
}) {
  const navigate = route.useNavigate();
  const [isAsking, setAsking] = useState(false);
  const [hasCounts, setCounts] = useState(false);
  const [active, setActive] = useState<number | undefined>();
  const pane = useRef<HTMLElement>(null);
  const custodians = useQuery({ ...q.custodians(asked.matter ?? 0), enabled: asked.matter !== undefined });
  const nameOf = (id: number) => custodians.data?.custodians.find((one) => one.id === id)?.name ?? `#${id}`;
  const columns = useMemo(() => columnsOf(asked.matter), [asked.matter]);
  const narrow = (search: GapsAsked) => {
    setActive(undefined);
    void navigate({ search, replace: true });
  };
  const open = (index: number) => {
    const set = rows[index]?.message_id;
    if (set) void navigate({ to: "/search", search: { matter: asked.matter, m: set } });
  };
  useListKeys(rows.length, active, setActive, open);
  useKeys({
    f: () => {
      setCounts(true);
      requestAnimationFrame(() => pane.current?.querySelector("button")?.focus());
    },
  });
  const canAsk = found.total > 0;
  const leads = useLeads();
  useActs([
    ...(leads && canAsk && !isBusy
      ? [
          {
            id: "retry",
            name: s.retries.act(found.total),
            icon: "clock" as const,
            run: () => setAsking(true),
          },
        ]
      : []),
  ]);
  const [words, query] = [wordsOf(asked, nameOf), queryOf(asked)];
  const isBare = found.total === 0 && !isNarrowed(asked);
  return (
    <Page
      title={<MailText text={title} />}
      note={t.why}
      acts={
        canAsk && (
          <>
            <ButtonLink icon="export" href={links.gaps(asked)} download>
              {t.download}
            </ButtonLink>
            {leads && (
              <Button kind="primary" isDisabled={isBusy} onPress={() => setAsking(true)}>
                {s.retries.ask}
              </Button>
            )}
          </>
        )
      }
    >
      {renew && (
        <Note>
          <div className="row row-wrap">
            <span className="grow">{t.outdated}</span>
            <Button onPress={renew}>{t.renew}</Button>
          </div>
        </Note>
      )}
      <Retries matter={asked.matter} nameOf={nameOf} onEnd={onEnd} />
      {isBare ? (
        <Empty icon="check" title={t.none}>
          {t.noneWhy}
        </Empty>
      ) : (
        <div className="gaps">
          <div className="gap-show">
            <Button
              icon="facets"
              aria-expanded={hasCounts}
              aria-controls="gap-counts"
              onPress={() => setCounts(!hasCounts)}
            >
              {hasCounts ? t.countsHide : t.countsShow}
            </Button>
          </div>
          <Counts
            pane={pane}
            isHidden={!hasCounts}
            isBusy={isBusy}
            found={found}
            asked={asked}
            nameOf={nameOf}
            onChoose={(kind, value) => narrow(chosen(asked, kind, value))}
          />
          <div className="stack">
            <Narrowed asked={asked} nameOf={nameOf} onWiden={narrow} query={query} />
            {found.total === 0 ? (
              <Empty
                icon="search"
                title={t.noneFit}
                act={<Button onPress={() => narrow({ matter: asked.matter })}>{t.all}</Button>}
              >
                {t.noneFitWhy}
              </Empty>
            ) : (
              <Card title={t.documents(found.total)} isFlush>
                <Table
                  isWhole
                  label={t.title}
                  columns={columns}
                  count={rows.length}
                  row={(index) => rows[index]}
                  active={active}
                  onActive={setActive}
                  onOpen={(_, index) => open(index)}
                />
              </Card>
            )}
            {more}
          </div>
        </div>
      )}
      {isAsking && (
        <AskRetry asked={asked} gaps={found.total} words={words} onClose={() => setAsking(false)} />
      )}
    </Page>
  );
}

/** What was chosen, each with a way to give it up; and the way to the messages. */
function Narrowed({
  asked,
  nameOf,
  onWiden,
  query,
}: {
  asked: GapsAsked;
  nameOf: NameOf;
  onWiden: (asked: GapsAsked) => void;
  query: string | undefined;
}) {
  const terms = KINDS.filter((kind) => asked[kind] !== undefined);
  const only = (kind: Kind) => wordsOf({ [kind]: asked[kind] }, nameOf);
  return (
    <div className="gap-narrowed">
      {terms.length === 0 ? (
        <p className="faint small">{t.widest}</p>
      ) : (
        terms.map((kind) => (
          <button
            key={kind}
            type="button"
            className="chip"
            aria-label={s.search.facets.takeOut(plain(only(kind)))}
            onClick={() => onWiden(chosen(asked, kind, String(asked[kind])))}
          >
            <span className="clip">
              <MailText text={only(kind)} />
            </span>
            <Icon name="x" size={12} />
          </button>
        ))
      )}
      {query !== undefined && (
        <Link
          className="small end"
          to="/search"
          search={{ matter: asked.matter, q: query, custodian: asked.custodian }}
          title={t.searchWhy}
        >
          {t.search}
        </Link>
      )}
    </div>
  );
}
