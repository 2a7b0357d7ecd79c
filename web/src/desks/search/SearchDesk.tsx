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
import type { SearchState } from "../../app/router";
import { s } from "../../strings";
import { Empty, Failed, Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { elapsed } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { useKeys } from "../../ui/keys";
import { PaneBack, Split } from "../../ui/Split";
import { useTitle } from "../../ui/title";
import { Zone } from "../../ui/values";
import { isNarrow } from "../../ui/width";
import { MessagePane } from "../message/MessagePane";
import { HitList } from "./HitList";
import { usePages } from "./pages";
import { QueryBar } from "./QueryBar";
import "./search.css";
import { bodyOf, filtersOn, withoutFilters, wordsOf } from "./state";

// The date control is large and not needed at first.
const Filters = lazy(() => load(() => import("./Filters")));
const ExportDialog = lazy(() => load(() => import("../exports/ExportDialog")));
const route = getRouteApi("/search");
const LAST = "muniment.matter";

export function SearchDesk() {
  const state = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useSuspenseQuery(q.session);
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
          <Link className="button button-primary" to="/matters">
            {s.search.makeMatter}
          </Link>
        }
      >
        {s.search.pickMatterWhy}
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
          matter && matter.custodians > 0 && !matter.is_closed
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
  const [exporting, setExporting] = useState(false);
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
    e: view("envelope"),
    p: view("proof"),
    h: () => hold?.(),
    "/": () => query.current?.focus(),
    f: () => setFilters((on) => !on),
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
    ...(total
      ? [{ id: "export", name: exportName, icon: "bundle" as const, run: () => setExporting(true) }]
      : []),
    { id: "filters", name: s.search.filters, icon: "filter", note: "f", run: () => setFilters((on) => !on) },
  ]);
  const words = useMemo(() => {
    const hit: Hit | undefined = active !== undefined ? rows[active] : rows.find((r) => r.id === state.m);
    return wordsOf(state.q ?? "", hit?.id === state.m ? hit?.snippet : undefined);
  }, [active, rows, state.m, state.q]);
  const run = (text: string) => {
    if ((state.q ?? "") === text) void queryClient.resetQueries({ queryKey: key });
    else go({ q: text || undefined, m: undefined, tab: undefined });
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
        parsed={first?.parsed}
        warnings={first?.warnings ?? []}
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
                    <span className="faint"> · {elapsed(first.elapsed_ms)}</span>
                    {first.gaps > 0 && (
                      <span className="faint" title={s.status.gapsWhy}>
                        {" "}
                        · {s.search.gaps(first.gaps)}
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
                {total > 0 && (
                  <div className="row row-tight end">
                    {selected.size > 0 && (
                      <Button kind="quiet" onPress={() => setSelected(new Set())}>
                        {s.search.selected(selected.size)} <Icon name="x" size={12} />
                      </Button>
                    )}
                    <Button kind="quiet" icon="bundle" onPress={() => setExporting(true)}>
                      {exportName}
                    </Button>
                  </div>
                )}
              </div>
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
                  {s.search.noneWhy} {first.behind > 0 && s.search.behindWhy}
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
