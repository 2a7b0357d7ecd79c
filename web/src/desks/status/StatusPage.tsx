// How the archive is: one sentence, then the figures behind it.
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { links } from "../../api/calls";
import type { Status } from "../../api/types";
import { q, said } from "../../app/queries";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { ButtonLink } from "../../ui/Button";
import { number, size, span } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Card, Page } from "../../ui/Page";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Copyable, Hash, Note, Time, useZoned } from "../../ui/values";
import { sentence } from "./sentence";
import "./status.css";

const t = s.status;

export function StatusPage() {
  const status = useQuery(q.status);
  useTitle(t.title);
  return (
    <Await query={status}>
      {(data) => (
        <Shown
          status={data}
          lost={status.isError ? { error: status.error, at: status.dataUpdatedAt } : undefined}
        />
      )}
    </Await>
  );
}

/** The server's reason as a sentence of its own. */
function why(text: string) {
  const reason = text.replace(/^write-once (is )?not enforced:?\s*/i, "");
  return reason ? `${reason[0]?.toUpperCase()}${reason.slice(1)}${reason.endsWith(".") ? "" : "."}` : "";
}

function useNow() {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** A secret of the sender and the archive: the server tells it to administrators only. */
const address: Column<Status["sources"][number]> = {
  id: "address",
  isForRoom: true,
  title: t.address,
  width: "minmax(0, 2fr)",
  cell: (x) => x.address && <code>{x.address}</code>,
};

type Damage = Status["damage"];

function Damage({ damage }: { damage: Damage }) {
  const zoned = useZoned();
  const more = damage.records - damage.newest.length;
  const columns: Column<Damage["newest"][number]>[] = [
    { id: "record", title: t.record, width: "180px", cell: (x) => <Hash value={x.record_id} /> },
    { id: "found", title: zoned(t.foundAt), width: "140px", cell: (x) => <Time at={x.found_at} /> },
    {
      id: "what",
      title: t.what,
      width: "minmax(0, 1fr)",
      isForRoom: true,
      cell: (x) => (
        <span className="clip" title={x.what}>
          {x.what}
        </span>
      ),
    },
  ];
  return (
    <>
      <Note tone="bad" icon="alert">
        {t.damageWhy}
      </Note>
      <Card title={t.damage} isFlush note={more > 0 ? t.damageMore(more) : undefined}>
        <Table
          isWhole
          label={t.damage}
          columns={columns}
          count={damage.newest.length}
          row={(i) => damage.newest[i]}
        />
      </Card>
    </>
  );
}

/** What of the log goes outside by itself, and why it last did not. */
function Outside({
  title,
  told,
  children,
}: {
  title: string;
  told: NonNullable<Status["log"]["stamps"]>;
  children?: ReactNode;
}) {
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {told.done_at ? (
          <>
            {t.outside(told.size)} <Time at={told.done_at} />
          </>
        ) : (
          t.none
        )}
        {children}
        {told.error && <div className="status-faults">{t.outsideFailed(told.error)}</div>}
      </dd>
    </>
  );
}

/** `lost`: what kept newer figures away, and when these were had. */
function Shown({ status, lost }: { status: Status; lost: { error: unknown; at: number } | undefined }) {
  const clock = useNow();
  const now = lost?.at ?? clock;
  const { text, mood } = sentence(status, now);
  const { data: me } = useSuspenseQuery(q.session);
  const unproven = status.sources.reduce((sum, source) => sum + source.unproven, 0);
  const columns: Column<Status["sources"][number]>[] = [
    {
      id: "name",
      title: t.name,
      width: "minmax(0, 1fr)",
      cell: (x) => <span className="strong">{x.name}</span>,
    },
    ...(me?.role === "administrator" ? [address] : []),
    {
      id: "last",
      title: t.lastSeen,
      width: "170px",
      cell: (x) =>
        x.last_seen ? (
          <time dateTime={x.last_seen}>{t.ago(span(now - Date.parse(x.last_seen)))}</time>
        ) : (
          <Badge tone="hold" icon="clock">
            {t.waiting}
          </Badge>
        ),
    },
    { id: "count", title: t.deliveries, width: "100px", align: "end", cell: (x) => number(x.deliveries) },
    {
      id: "unproven",
      isForRoom: true,
      title: t.unproven,
      width: "100px",
      align: "end",
      cell: (x) => (x.unproven ? <span className="status-unproven">{number(x.unproven)}</span> : "0"),
    },
  ];
  const ratio = status.bytes_received
    ? `${Math.round((100 * status.bytes_stored) / status.bytes_received)} %`
    : "–";
  return (
    <Page title={t.title}>
      {lost && (
        <Note tone="bad" icon="alert">
          <span className="strong">{said(lost.error)}</span> {t.stale}{" "}
          <Time at={new Date(lost.at).toISOString()} />
        </Note>
      )}
      <p className={`sentence sentence-${lost ? "bad" : mood}`}>
        <Icon name={mood === "good" && !lost ? "check" : "alert"} size={20} />
        <span>{text}</span>
      </p>
      {status.damage.records > 0 && <Damage damage={status.damage} />}
      {[status.clocks.text, status.locks.text].filter(Boolean).map((text) => (
        <Note key={text} tone="bad" icon="alert">
          {`${text[0]?.toUpperCase()}${text.slice(1)}.`}
        </Note>
      ))}
      {!status.worm.enforced && (
        <Note tone="hold" icon="alert">
          <span className="strong">{t.sentence.notEnforced}</span> {why(status.worm.text)}
        </Note>
      )}
      <Card title={t.sources} isFlush>
        <Table
          isWhole
          label={t.sources}
          columns={columns}
          count={status.sources.length}
          row={(i) => status.sources[i]}
        />
      </Card>
      {unproven > 0 && (
        <Note tone="source" icon="alert">
          {t.unprovenWhy(unproven)}{" "}
          {me?.role !== "administrator" && me?.is_archive_wide && (
            <Link to="/search" search={{ q: "has:unproven" }}>
              {t.unprovenFind}
            </Link>
          )}
        </Note>
      )}
      <div className="status-cards">
        <Card title={t.archive}>
          <dl className="facts">
            <dt>{t.kept}</dt>
            <dd>{t.keptFigure(status.deliveries, status.families)}</dd>
            <dt>{t.bytes}</dt>
            <dd>{t.bytesFigure(size(status.bytes_received), size(status.bytes_stored), ratio)}</dd>
            <dt>{t.worm}</dt>
            <dd>{status.worm.enforced ? `${t.enforced}. ${status.worm.text}` : t.notEnforced}</dd>
            <dt>{t.check}</dt>
            <dd>
              <Time at={status.check.last} absent={t.checkNone} />
              {status.check.last && status.check.faults === 0 && <span> · {t.checkWhole}</span>}
              {status.check.faults > 0 && (
                <span className="status-faults"> · {t.checkFaults(status.check.faults)}</span>
              )}
              {status.check.unexplained > 0 && <span className="status-faults"> · {t.checkUnexplained}</span>}
              {status.check.running && (
                <span className="faint">
                  {" "}
                  {t.checkRunning(
                    status.check.running.step,
                    status.check.running.done,
                    status.check.running.total,
                  )}
                </span>
              )}
            </dd>
            <dt>{t.jobs}</dt>
            <dd>{t.jobsFigure(status.jobs.running, status.jobs.queued)}</dd>
            <dt>{t.id}</dt>
            <dd>
              <Hash value={status.archive_id} whole />
            </dd>
            <dt>{t.version}</dt>
            <dd>{status.version}</dd>
          </dl>
        </Card>
        <Card title={t.index}>
          <dl className="facts">
            <dt>{t.behind}</dt>
            <dd>{number(status.index.behind)}</dd>
            <dt>{t.oldest}</dt>
            <dd>
              <Time at={status.index.oldest_waiting} absent={t.none} />
            </dd>
            <dt>{t.pending}</dt>
            <dd>{number(status.index.pending)}</dd>
            <dt>{t.gaps}</dt>
            <dd>
              {me?.is_archive_wide && status.gaps > 0 ? (
                <Link to="/gaps" search={{}}>
                  {number(status.gaps)}
                </Link>
              ) : (
                number(status.gaps)
              )}{" "}
              <span className="faint">{t.gapsWhy}</span>
            </dd>
          </dl>
        </Card>
      </div>
      <Card
        title={t.log}
        acts={
          status.log.published > 0 && (
            <ButtonLink kind="quiet" icon="export" href={links.checkpoint(status.log.published)} download>
              {t.save}
            </ButtonLink>
          )
        }
      >
        <div className="stack">
          <dl className="facts">
            <dt>{t.leaves}</dt>
            <dd>{number(status.log.size)}</dd>
            <dt>{t.published}</dt>
            <dd>{number(status.log.published)}</dd>
            <dt>{t.key}</dt>
            <dd>
              <Copyable text={status.log.key} label={s.ui.copy} />
            </dd>
            <dt>{t.checkpoint}</dt>
            <dd className="stack stack-tight">
              <Copyable text={status.log.checkpoint.trimEnd()} label={s.ui.copy} />
              <span className="faint">{t.checkpointWhy}</span>
            </dd>
            {status.log.stamps && (
              <Outside title={t.stamp} told={status.log.stamps}>
                {status.log.stamps.size > 0 && (
                  <>
                    {" · "}
                    <a href={links.stamp(status.log.stamps.size)} download>
                      {t.stampSave}
                    </a>
                    {" · "}
                    <a href={links.checkpoint(status.log.stamps.size)} download>
                      {t.stampedSave}
                    </a>
                  </>
                )}
              </Outside>
            )}
            {status.log.mail && <Outside title={t.mail} told={status.log.mail} />}
          </dl>
        </div>
      </Card>
    </Page>
  );
}
