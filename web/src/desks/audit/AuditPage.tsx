// The audit: what was looked at and done, by whom, and how it came out. Older acts come as one scrolls.

import { useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api } from "../../api/calls";
import type { AuditRow, Matter } from "../../api/types";
import { q } from "../../app/queries";
import { isReader } from "../../app/rights";
import { s } from "../../strings";
import { Empty, Failed, Skeleton } from "../../ui/Await";
import { DateField } from "../../ui/DateField";
import { Choose, Field } from "../../ui/Field";
import { isReversed, number } from "../../ui/format";
import { useKeys, useListKeys } from "../../ui/keys";
import { MailText } from "../../ui/MailText";
import { PaneBack, Split } from "../../ui/Split";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Time, useZoned, Zone } from "../../ui/values";
import { isNarrow, useIsPhone } from "../../ui/width";
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

const asks = (row: AuditRow) => row.action === "search.run" || row.action === "search.facets";

/** An empty query asked for everything. `isLink`: the reader may go there. */
function Subject({ row, isLink, isCell }: { row: AuditRow; isLink: boolean; isCell?: boolean }) {
  const text =
    row.subject || !asks(row) ? (
      <MailText text={row.subject} />
    ) : (
      <span className="faint">{t.everything}</span>
    );
  const place = isLink ? target(row) : undefined;
  if (!place || (!row.subject && !asks(row))) return text;
  return (
    <Link {...place} tabIndex={isCell ? -1 : undefined}>
      {text}
    </Link>
  );
}

type Words = { matter: (id: number | null) => string; zoned: (title: string) => string; isLink: boolean };

const columnsOf = ({ matter, zoned, isLink }: Words): Column<AuditRow>[] => [
  {
    id: "at",
    title: zoned(t.at),
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
    title: t.matter,
    width: "minmax(0, 1fr)",
    cell: (row) => <span className="quiet">{matter(row.matter_id)}</span>,
  },
  {
    id: "outcome",
    title: t.outcome,
    width: "72px",
    cell: (row) => <Outcome outcome={row.outcome} />,
  },
];

/** On a phone: when and who, what came of it and to what, in two lines; the detail has the links. */
const phoneColumnsOf = ({ matter, zoned }: Words): Column<AuditRow>[] => [
  {
    id: "at",
    title: `${zoned(t.at)}, ${t.actor.toLowerCase()}`,
    width: "124px",
    cell: (row) => (
      <span className="audit-lines">
        <span className="quiet">
          <Time at={row.at} />
        </span>
        <span className="strong clip">{row.actor}</span>
      </span>
    ),
  },
  {
    id: "subject",
    title: `${t.action}, ${t.subject.toLowerCase()}`,
    width: "minmax(0, 1fr)",
    cell: (row) => (
      <span className="audit-lines">
        <span className="row">
          <span className="clip">{actionName(row.action)}</span>
          <span className="end">
            <Outcome outcome={row.outcome} />
          </span>
        </span>
        <span className="row quiet">
          <span className="clip">
            <Subject row={row} isLink={false} isCell />
          </span>
          <span className="end clip faint">{matter(row.matter_id)}</span>
        </span>
      </span>
    ),
  },
];
const TWO_LINES = 52;

export function AuditPage() {
  const { matter } = route.useSearch();
  const { data: me } = useSuspenseQuery(q.session);
  const hasMatters = isReader(me?.role);
  const matters = useQuery({ ...q.matters, enabled: hasMatters });
  useTitle(t.title);
  // The acts of one matter, and the days that are asked for, are in its zone.
  const zone = matters.data?.matters.find((each) => each.id === matter)?.zone;
  return (
    <Zone value={matter === undefined || matters.isError ? "UTC" : zone}>
      <Acts hasMatters={hasMatters} matters={matters.data?.matters ?? []} />
    </Zone>
  );
}

function Acts({ hasMatters, matters }: { hasMatters: boolean; matters: readonly Matter[] }) {
  const { row: chosen, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
  const router = useRouter();
  const zoned = useZoned();
  const isPhone = useIsPhone();
  const [wanted, setWanted] = useState(0);
  const set = (change: Partial<typeof filter>) =>
    void navigate({ search: (was) => ({ ...was, ...change, row: undefined }), replace: true });
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
    id === null ? "" : (matters.find((m) => m.id === id)?.name ?? `#${id}`);
  const columns = (isPhone ? phoneColumnsOf : columnsOf)({ matter: nameOf, zoned, isLink: hasMatters });
  const at = chosen === undefined ? -1 : rows.findIndex((row) => row.id === chosen);
  const active = at >= 0 ? at : undefined;
  const row = rows[at];
  const choose = (index: number) => {
    const isStep = chosen === undefined && isNarrow();
    void navigate({
      search: (was) => ({ ...was, row: rows[index]?.id }),
      replace: !isStep,
      state: (was) => (isStep ? { hasList: true } : was),
    });
  };
  const close = () => {
    if (chosen === undefined) return;
    if (router.state.location.state.hasList) router.history.back();
    else void navigate({ search: (was) => ({ ...was, row: undefined }), replace: true });
  };
  useListKeys(rows.length, active, choose);
  useKeys({ Escape: close });

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
        {hasMatters && (
          <Choose
            label={t.matter}
            value={filter.matter ? String(filter.matter) : "any"}
            onChange={(id) => set({ matter: id === "any" ? undefined : Number(id) })}
            choices={[
              { id: "any", name: t.any },
              ...matters.map((m) => ({ id: String(m.id), name: m.name })),
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
          narrow={row ? "right" : "left"}
          left={
            <Table
              label={t.title}
              rowHeight={isPhone ? TWO_LINES : undefined}
              columns={columns}
              count={rows.length + (hasNextPage ? 1 : 0)}
              row={(i) => rows[i]}
              onRange={want}
              active={active}
              onActive={choose}
            />
          }
          right={
            <section className="audit-pane">
              <PaneBack onPress={close}>{t.back}</PaneBack>
              <div className="audit-detail scroll" role="region" tabIndex={0} aria-label={t.detail}>
                {row ? (
                  <Detail row={row} matter={nameOf(row.matter_id)} isLink={hasMatters} />
                ) : (
                  <p className="faint small">{t.pick}</p>
                )}
              </div>
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
          <Time at={row.at} isFull />
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
