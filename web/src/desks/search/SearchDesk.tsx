// The search desk: query and filters above, hits beside the message that is read. Its address carries
// all of it, so that what is seen can be sent to a colleague.

import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useRouter } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api } from "../../api/calls";
import { ApiError } from "../../api/client";
import type { Hit } from "../../api/types";
import { useActs } from "../../app/acts";
import { load } from "../../app/load";
import { q, queryClient } from "../../app/queries";
import { useLeads } from "../../app/rights";
import type { SearchState } from "../../app/router";
import { s } from "../../strings";
import { Empty, Failed, Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { elapsed } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { useKeys } from "../../ui/keys";
import { PaneBack, Split } from "../../ui/Split";
import { useTitle } from "../../ui/title";
import { Zone } from "../../ui/values";
import { isNarrow, useIsWide } from "../../ui/width";
import { MessagePane } from "../message/MessagePane";
import { Facets, Narrowed } from "./Facets";
import { HitList } from "./HitList";
import { barsOf, narrowings, rangeTerm, toggled, withoutRange, withRange } from "./narrow";
import { usePages } from "./pages";
import { QueryBar } from "./QueryBar";
import "./search.css";
import { bodyOf, filtersOn, withoutFilters, wordsOf } from "./state";
import { Timeline } from "./Timeline";

// The date control is large and not needed at first.
const Filters = lazy(() => load(() => import("./Filters")));
const ExportDialog = lazy(() => load(() => import("../exports/ExportDialog")));
const route = getRouteApi("/search");
const LAST = "muniment.matter";

export function SearchDesk() {
  const state = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useSuspenseQuery(q.session);
  const leads = useLeads();
  const matters = useQuery(q.matters);
  const open = useMemo(() => matters.data?.matters ?? [], [matters.data]);
  const matter = open.find((m) => m.id === state.matter);
  useTitle(state.q, matter?.name, s.nav.search);
  const go = useCallback(
    (change: Partial<SearchState>, replace = false, hasList?: true) =>
      void navigate({
        search: (was) => ({ ...was, ...change }),
        replace,
        // In the place of what is shown now, from where it was opened stays true.
        state: (was) => (replace ? was : { hasList }),
      }),
    [navigate],
  );

  // Who may not search everything lands in the matter they used last.
  const needsMatter = !me?.is_archive_wide && state.matter === undefined;
  useEffect(() => {
    if (!needsMatter || !open.length) return;
    const last =
      open.find((m) => m.id === Number(localStorage.getItem(LAST))) ??
      open.find((m) => !m.is_closed) ??
      open[0];
    if (last) go({ matter: last.id }, true);
  }, [needsMatter, open, go]);
  useEffect(() => {
    if (state.matter) localStorage.setItem(LAST, String(state.matter));
  }, [state.matter]);

  if (needsMatter && matters.isSuccess && !open.length)
    return (
      <Empty
        isPage
        icon="matter"
        title={s.search.pickMatter}
        act={
          leads && (
            <Link className="button button-primary" to="/matters">
              {s.search.makeMatter}
            </Link>
          )
        }
      >
        {leads ? s.search.pickMatterWhy : s.matters.noneYours}
      </Empty>
    );
  // Outside of matters a day is one of UTC; times are shown so too.
  return (
    <Zone value={state.matter === undefined ? "UTC" : matter?.zone}>
      <Desk
        key={state.matter ?? "all"}
        state={state}
        go={go}
        isReady={!needsMatter}
        hold={
          leads && matter && matter.custodians > 0 && !matter.is_closed
            ? () =>
                void navigate({
                  to: "/matters/$id",
                  params: { id: String(matter.id) },
                  search: { act: "hold" },
                })
            : undefined
        }
        hasCustodians={matter ? matter.custodians > 0 : true}
      />
    </Zone>
  );
}

interface DeskProps {
  state: SearchState;
  go: (change: Partial<SearchState>, replace?: boolean, hasList?: true) => void;
  /** Opens the form that places a hold, where one can be placed. */
  hold: (() => void) | undefined;
  isReady: boolean;
  hasCustodians: boolean;
}

function Desk({ state, go, hold, isReady, hasCustodians }: DeskProps) {
  const router = useRouter();
  const [filters, setFilters] = useState(() => filtersOn(state) > 0);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [active, setActive] = useState<number | undefined>(undefined);
  const leads = useLeads();
  const [exporting, setExporting] = useState(false);
  const [noHold, setNoHold] = useState(false);
  const anchor = useRef(0);
  const query = useRef<HTMLInputElement>(null);
  const matter = state.matter ?? null;

  const body = useMemo(() => bodyOf(state), [state]);
  const key = useMemo(() => ["search", body], [body]);
  const found = usePages(
    key,
    (cursor, limit) => api.search({ ...body, cursor, limit }),
    isReady && hasCustodians,
  );
  const { first, rows } = found;
  const total = first?.total_families ?? 0;
  const { error } = found;
  const countsKey = useMemo(() => ["facets", body], [body]);
  // After the list, and never in its way.
  const counted = useQuery({
    queryKey: countsKey,
    queryFn: () => api.facets(body),
    enabled: total > 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    // The facets stay where they are, and so does the focus, until the new ones are here.
    placeholderData: (was) => was,
  });
  const counts = total > 0 && !counted.isPlaceholderData ? counted.data : undefined;
  // Of the search before, until the new ones are here: the focus stays in the timeline too.
  const bars = useMemo(() => counted.data && barsOf(counted.data.months), [counted.data]);
  const isWide = useIsWide();
  const [isAsked, setAsked] = useState(false);
  const [wanted, setWanted] = useState(0);
  const openFacets = () => {
    setAsked(true);
    setWanted((was) => was + 1);
  };
  const closeFacets = () => {
    setAsked(false);
    setWanted(0);
    (document.activeElement as HTMLElement | null)?.blur();
  };
  const ask = (text: string) => go({ q: text || undefined, m: undefined, tab: undefined });
  const onTerm = (term: string) => ask(toggled(state.q ?? "", term, state.dialect));
  const terms = useMemo(() => narrowings(state.q ?? "", state.dialect), [state.q, state.dialect]);
  const dateKind = state.by ?? "sent";
  const undatedQuery = withoutRange(state.q ?? "", dateKind, state.dialect);
  const isDated = state.from !== undefined || state.until !== undefined || undatedQuery !== (state.q ?? "");
  const allDates = isDated
    ? () =>
        go({
          q: undatedQuery || undefined,
          from: undefined,
          until: undefined,
          m: undefined,
          tab: undefined,
        })
    : undefined;
  const keyText = JSON.stringify(body);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new search starts with nothing chosen
  useEffect(() => {
    setSelected(new Set());
    setActive(undefined);
  }, [keyText]);
  // A link names a message; its row is the active one once it is here.
  useEffect(() => {
    if (state.m === undefined) return;
    setActive((was) => {
      if (was !== undefined && rows[was]?.id === state.m) return was;
      const at = rows.findIndex((hit) => hit.id === state.m);
      return at >= 0 ? at : was;
    });
  }, [state.m, rows]);

  const open = useCallback(
    (index: number) => {
      setActive(index);
      const hit = rows[index];
      // A message that takes the list's place is a step that Back undoes; one beside it is not.
      if (!hit) return;
      const isStep = state.m === undefined && isNarrow();
      go({ m: hit.id }, !isStep, isStep || undefined);
    },
    [rows, go, state.m],
  );
  const close = () => {
    if (state.m === undefined) return;
    if (router.state.location.state.hasList) router.history.back();
    else go({ m: undefined, tab: undefined }, true);
  };
  const select = (index: number, extend: boolean) =>
    setSelected((was) => {
      const next = new Set(was);
      if (extend) {
        for (let i = Math.min(anchor.current, index); i <= Math.max(anchor.current, index); i += 1)
          next.add(i);
      } else if (!next.delete(index)) next.add(index);
      anchor.current = index;
      return next;
    });
  const step = (by: number, extend = false) => {
    if (!total) return;
    const to = Math.min(Math.max((active ?? (by > 0 ? -1 : total)) + by, 0), total - 1);
    if (extend) {
      if (active !== undefined && !selected.size) anchor.current = active;
      select(to, true);
    }
    open(to);
  };
  const onTab = (tab: string) => go({ tab: tab === "text" ? undefined : tab }, true);
  // Heard here, so that a view is not forgotten that is asked for while its message is on its way.
  const view = (tab: string) => () => {
    if (active !== undefined || state.m !== undefined) onTab(state.tab === tab ? "text" : tab);
  };
  useKeys({
    t: view("thread"),
    n: view("near"),
    e: view("envelope"),
    p: view("proof"),
    h: () => (hold ? hold() : setNoHold(true)),
    "/": () => query.current?.focus(),
    f: () => (document.activeElement?.closest(".facets") ? closeFacets() : openFacets()),
    F: () => setFilters((on) => !on),
    j: () => step(1),
    k: () => step(-1),
    J: () => step(1, true),
    K: () => step(-1, true),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => step(active === undefined ? 1 : 0),
    x: () => active !== undefined && select(active, false),
    Escape: close,
  });

  const picked = useMemo(
    () => [...selected].map((index) => rows[index]?.id).filter((id): id is number => id !== undefined),
    [selected, rows],
  );
  const exportName = selected.size ? s.search.exportPicked(picked.length) : s.search.exportAll(total);
  useActs([
    ...(leads && total
      ? [{ id: "export", name: exportName, icon: "bundle" as const, run: () => setExporting(true) }]
      : []),
    { id: "facets", name: s.search.facets.label, icon: "facets", note: "f", run: openFacets },
    { id: "filters", name: s.search.filters, icon: "filter", note: "F", run: () => setFilters((on) => !on) },
  ]);
  const words = useMemo(() => {
    const hit: Hit | undefined = active !== undefined ? rows[active] : rows.find((r) => r.id === state.m);
    return wordsOf(state.q ?? "", hit?.id === state.m ? hit?.snippet : undefined, state.dialect);
  }, [active, rows, state.m, state.q, state.dialect]);
  const run = (text: string) => {
    if ((state.q ?? "") === text) {
      // The counts belong to the search, and come after it.
      const search = queryClient.resetQueries({ queryKey: key });
      void search.then(() => queryClient.resetQueries({ queryKey: countsKey }));
    } else ask(text);
  };

  const queryError = error instanceof ApiError && error.status === 422 ? error : undefined;
  return (
    <div className="search-desk">
      <h1 className="hidden-text">{s.nav.search}</h1>
      <QueryBar
        state={state}
        go={go}
        run={run}
        input={query}
        error={queryError}
        found={first}
        counts={counts}
        facetsOpen={isAsked}
        onFacets={isWide ? undefined : () => (isAsked ? closeFacets() : openFacets())}
        filtersOpen={filters}
        onFilters={() => setFilters((on) => !on)}
      />
      {filters && (
        <Suspense fallback={<div className="filters filters-wait" />}>
          <Filters state={state} go={go} />
        </Suspense>
      )}
      {!hasCustodians ? (
        <Empty
          icon="people"
          title={s.search.noCustodians}
          act={
            <Link className="button button-primary" to="/matters/$id" params={{ id: String(matter) }}>
              {s.search.addCustodians}
            </Link>
          }
        >
          {s.search.noCustodiansWhy}
        </Empty>
      ) : (
        <div className="search-body">
          {(isWide || isAsked) && (
            <Facets
              counts={counted.data}
              isBusy={counts === undefined}
              total={queryError ? 0 : first?.total_families}
              isFailed={counted.isError}
              retry={() => void counted.refetch()}
              query={state.q ?? ""}
              dialect={state.dialect}
              onTerm={onTerm}
              onClose={closeFacets}
              wanted={wanted}
            />
          )}
          <Split
            label={s.search.resize}
            keep="muniment.split"
            narrow={state.m === undefined ? "left" : "right"}
            left={
              <section className="hits" aria-label={s.search.results}>
                <div className="hits-head" aria-live="polite">
                  {first && (
                    <p className="hits-count">
                      <strong>{s.families(first.total_families)}</strong> · {s.messages(first.total_messages)}
                      {first.unit === "document" && ` · ${s.search.documents(first.total_documents)}`}
                      <span className="faint"> · {elapsed(first.elapsed_ms)}</span>
                      {first.gaps > 0 && (
                        <span className="faint">
                          {" "}
                          ·{" "}
                          <Link to="/gaps" search={{ matter: state.matter }} title={s.status.gapsWhy}>
                            {s.search.gaps(first.gaps)}
                          </Link>
                        </span>
                      )}
                      {first.behind > 0 && (
                        <span className="hits-warn" title={s.search.behindWhy}>
                          {" "}
                          · {s.search.behind(first.behind)}
                        </span>
                      )}
                    </p>
                  )}
                  {first && (
                    <div className="row row-tight end">
                      {selected.size > 0 && (
                        <Button kind="quiet" onPress={() => setSelected(new Set())}>
                          {s.search.selected(selected.size)} <Icon name="x" size={12} />
                        </Button>
                      )}
                      <Link
                        className="button button-quiet"
                        to="/search/terms"
                        search={{ matter: state.matter, dialect: state.dialect }}
                      >
                        {s.terms.title}
                      </Link>
                      {leads && total > 0 && (
                        <Button kind="quiet" icon="bundle" onPress={() => setExporting(true)}>
                          {exportName}
                        </Button>
                      )}
                    </div>
                  )}
                </div>
                {(first ? total > 0 : !error && bars !== undefined) && !counted.isError && (
                  <Timeline
                    bars={bars}
                    isBusy={counts === undefined}
                    kind={dateKind}
                    undated={counted.data?.undated ?? 0}
                    onRange={(from, until) =>
                      ask(withRange(state.q ?? "", rangeTerm(dateKind, from, until), state.dialect))
                    }
                    onAll={allDates}
                  />
                )}
                {(first ? total > 0 || terms.length > 0 : !error) && (
                  <Narrowed terms={terms} onTerm={onTerm} />
                )}
                {error && !queryError ? (
                  <Failed error={error} retry={() => void found.query.refetch()} />
                ) : !first ? (
                  queryError ? (
                    <Empty
                      icon="search"
                      title={queryError.span ? s.search.unread : s.search.filterUnread}
                      act={
                        !queryError.span &&
                        filtersOn(state) > 0 && (
                          <Button onPress={() => go(withoutFilters(state))}>{s.search.clearFilters}</Button>
                        )
                      }
                    >
                      {queryError.span ? s.search.unreadWhy : s.search.filterUnreadWhy}
                    </Empty>
                  ) : (
                    <Skeleton lines={12} />
                  )
                ) : total === 0 ? (
                  <Empty
                    icon="search"
                    title={s.search.none}
                    act={
                      filtersOn(state) > 0 && (
                        <Button onPress={() => go(withoutFilters(state))}>{s.search.noneUnfiltered}</Button>
                      )
                    }
                  >
                    {s.search.noneWhy} {first.behind > 0 && s.search.behindWhy}{" "}
                    <Link to="/gaps" search={{ matter: state.matter }} title={s.status.gapsWhy}>
                      {s.search.noneGaps}
                    </Link>
                  </Empty>
                ) : (
                  <HitList
                    count={total}
                    row={(index) => rows[index]}
                    onRange={found.want}
                    active={active}
                    onActive={open}
                    selected={selected}
                    onSelect={select}
                    isSent={state.by !== "received"}
                  />
                )}
              </section>
            }
            right={
              <section className="pane" aria-label={s.search.pane}>
                {state.m !== undefined && <PaneBack onPress={close}>{s.search.back}</PaneBack>}
                {state.m !== undefined ? (
                  <MessagePane
                    key={state.m}
                    id={state.m}
                    matter={matter}
                    tab={state.tab ?? "text"}
                    onTab={onTab}
                    onOpen={(id) => {
                      const at = rows.findIndex((hit) => hit.id === id);
                      setActive(at >= 0 ? at : undefined);
                      go({ m: id, tab: undefined });
                    }}
                    words={words}
                  />
                ) : (
                  <Empty icon="envelope" title={s.search.pick}>
                    {s.search.pickWhy}
                  </Empty>
                )}
              </section>
            }
          />
        </div>
      )}
      {noHold && (
        <Dialog
          title={s.search.noHold}
          isOpen
          onClose={() => setNoHold(false)}
          onSubmit={() => setNoHold(false)}
          foot={
            <Button kind="primary" type="submit">
              {s.ui.close}
            </Button>
          }
        >
          <p>
            {!leads ? s.search.noHoldYours : matter === null ? s.search.noHoldWhole : s.search.noHoldMatter}
          </p>
        </Dialog>
      )}
      {exporting && (
        <Suspense>
          <ExportDialog
            matter={matter}
            families={picked.length || total}
            scope={picked.length ? { message_ids: picked } : { search: body }}
            name={s.exports.defaultName(state.q ?? "")}
            onClose={() => setExporting(false)}
          />
        </Suspense>
      )}
    </div>
  );
}
