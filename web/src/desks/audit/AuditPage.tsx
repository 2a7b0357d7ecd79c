// The audit: what was looked at and done, by whom, and how it came out. Older acts come as one scrolls.
import { useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api } from "../../api/calls";
import type { AuditRow } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Empty, Failed, Skeleton } from "../../ui/Await";
import { DateField } from "../../ui/DateField";
import { Choose, Field } from "../../ui/Field";
import { isReversed, number, timeInFull } from "../../ui/format";
import { MailText } from "../../ui/MailText";
import { Split } from "../../ui/Split";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Time } from "../../ui/values";
import "./audit.css";
import { facts } from "./facts";
import { target } from "./target";

const t = s.audit;
const route = getRouteApi("/audit");
export const actionName = (action: string) => t.actions[action] ?? action;

function Outcome({ outcome }: { outcome: string }) {
  if (outcome === "done") return <span className="quiet">{t.outcomes.done}</span>;
  const tone = outcome === "refused" || outcome === "failed" ? "bad" : "plain";
  return <Badge tone={tone}>{t.outcomes[outcome] ?? outcome}</Badge>;
}

/** An empty query asked for everything. `isLink`: the reader may go there. */
function Subject({ row, isLink, isCell }: { row: AuditRow; isLink: boolean; isCell?: boolean }) {
  const text =
    row.subject || row.action !== "search.run" ? (
      <MailText text={row.subject} />
    ) : (
      <span className="faint">{t.everything}</span>
    );
  const place = isLink ? target(row) : undefined;
  if (!place || (!row.subject && row.action !== "search.run")) return text;
  return (
    <Link {...place} tabIndex={isCell ? -1 : undefined}>
      {text}
    </Link>
  );
}

const columnsOf = (matter: (id: number | null) => string, isLink: boolean): Column<AuditRow>[] => [
  {
    id: "at",
    title: t.at,
    width: "132px",
    cell: (row) => (
      <span className="quiet">
        <Time at={row.at} />
      </span>
    ),
  },
  {
    id: "actor",
    title: t.actor,
    width: "minmax(48px, 110px)",
    cell: (row) => <span className="strong">{row.actor}</span>,
  },
  { id: "action", title: t.action, width: "minmax(84px, 160px)", cell: (row) => actionName(row.action) },
  {
    id: "subject",
    title: t.subject,
    width: "minmax(0, 2fr)",
    cell: (row) => <Subject row={row} isLink={isLink} isCell />,
  },
  {
    id: "matter",
    isForRoom: true,
    title: t.matter,
    width: "minmax(0, 1fr)",
    cell: (row) => <span className="quiet">{matter(row.matter_id)}</span>,
  },
  {
    id: "outcome",
    isForRoom: true,
    title: t.outcome,
    width: "72px",
    cell: (row) => <Outcome outcome={row.outcome} />,
  },
];

export function AuditPage() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useSuspenseQuery(q.session);
  useTitle(t.title);
  const isLegal = me?.role === "legal";
  const matters = useQuery({ ...q.matters, enabled: isLegal });
  const [active, setActive] = useState<number | undefined>();
  const [wanted, setWanted] = useState(0);
  const set = (change: Partial<typeof filter>) => {
    setActive(undefined);
    void navigate({ search: (was) => ({ ...was, ...change }), replace: true });
  };
  const acts = useInfiniteQuery({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) => api.audit({ ...filter, cursor: pageParam, limit: 100 }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: 0,
  });
  const rows = useMemo(() => acts.data?.pages.flatMap((page) => page.rows) ?? [], [acts.data]);
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = acts;
  useEffect(() => {
    if (wanted >= rows.length && hasNextPage && !isFetchingNextPage && !isFetchNextPageError)
      void fetchNextPage();
  }, [wanted, rows.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const want = useCallback((_first: number, last: number) => setWanted(last), []);
  const nameOf = (id: number | null) =>
    id === null ? "" : (matters.data?.matters.find((m) => m.id === id)?.name ?? `#${id}`);
  const columns = columnsOf(nameOf, isLegal);
  const row = active === undefined ? undefined : rows[active];

  return (
    <div className="audit">
      <header className="audit-head">
        <h1>{t.title}</h1>
        <p className="quiet small">{t.why}</p>
      </header>
      <div className="filters audit-filters" role="group" aria-label={s.search.filters}>
        <DateField label={s.search.from} value={filter.from} onChange={(from) => set({ from })} />
        <DateField
          label={s.search.until}
          value={filter.until}
          onChange={(until) => set({ until })}
          error={isReversed(filter.from, filter.until) ? s.ui.lastDay : undefined}
        />
        <Typed label={t.actor} value={filter.actor} onChange={(actor) => set({ actor })} />
        <Choose
          label={t.action}
          value={filter.action ?? "any"}
          onChange={(action) => set({ action: action === "any" ? undefined : action })}
          choices={[
            { id: "any", name: t.any },
            ...Object.entries(t.actions).map(([id, name]) => ({ id, name })),
          ]}
        />
        {isLegal && (
          <Choose
            label={t.matter}
            value={filter.matter ? String(filter.matter) : "any"}
            onChange={(id) => set({ matter: id === "any" ? undefined : Number(id) })}
            choices={[
              { id: "any", name: t.any },
              ...(matters.data?.matters ?? []).map((m) => ({ id: String(m.id), name: m.name })),
            ]}
          />
        )}
      </div>
      {acts.isError && !rows.length ? (
        <Failed error={acts.error} retry={() => void acts.refetch()} />
      ) : !acts.data ? (
        <Skeleton lines={12} />
      ) : !rows.length ? (
        <Empty icon="audit" title={t.none}>
          {t.noneWhy}
        </Empty>
      ) : (
        <Split
          label={t.detail}
          keep="muniment.audit"
          initial={68}
          left={
            <Table
              label={t.title}
              columns={columns}
              count={rows.length + (hasNextPage ? 1 : 0)}
              row={(i) => rows[i]}
              onRange={want}
              active={active}
              onActive={setActive}
            />
          }
          right={
            <section className="audit-detail scroll" tabIndex={0} aria-label={t.detail}>
              {row ? (
                <Detail row={row} matter={nameOf(row.matter_id)} isLink={isLegal} />
              ) : (
                <p className="faint small">{t.pick}</p>
              )}
            </section>
          }
        />
      )}
    </div>
  );
}

function Detail({ row, matter, isLink }: { row: AuditRow; matter: string; isLink: boolean }) {
  return (
    <div className="stack">
      <h2>{actionName(row.action)}</h2>
      <dl className="facts">
        <dt>{t.at}</dt>
        <dd>
          <time dateTime={row.at}>{timeInFull(row.at)}</time>
        </dd>
        <dt>{t.actor}</dt>
        <dd>{row.actor}</dd>
        <dt>{t.subject}</dt>
        <dd>
          <Subject row={row} isLink={isLink} />
        </dd>
        {matter && (
          <>
            <dt>{t.matter}</dt>
            <dd>
              {isLink ? (
                <Link to="/matters/$id" params={{ id: String(row.matter_id) }}>
                  {matter}
                </Link>
              ) : (
                matter
              )}
            </dd>
          </>
        )}
        <dt>{t.outcome}</dt>
        <dd>
          <Outcome outcome={row.outcome} />
        </dd>
        <dt>{t.row}</dt>
        <dd>
          {number(row.id)} <code className="faint">{row.action}</code>
        </dd>
      </dl>
      <h3>{t.detail}</h3>
      <dl className="facts">
        {facts(row.detail).map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd className="mono">
              <MailText text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** Filters when the typing pauses. */
function Typed({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const [text, setText] = useState(value ?? "");
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the wait
  useEffect(() => {
    if (text === (value ?? "")) return;
    const timer = setTimeout(() => onChange(text.trim() || undefined), 300);
    return () => clearTimeout(timer);
  }, [text]);
  return <Field label={label} value={text} onChange={setText} />;
}
