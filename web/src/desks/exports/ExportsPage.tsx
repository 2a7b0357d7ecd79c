// Exports: those that run, those that are done, and how anyone can check one.
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, links } from "../../api/calls";
import type { Job } from "../../api/types";
import { q, queryClient } from "../../app/queries";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { Button, ButtonLink } from "../../ui/Button";
import { useListKeys } from "../../ui/keys";
import { MailText } from "../../ui/MailText";
import { plain } from "../../ui/mail";
import { Card, Page } from "../../ui/Page";
import { Progress } from "../../ui/Progress";
import { Refusal } from "../../ui/Refusal";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Copyable, Hash, Note, Size, Time, useZoned } from "../../ui/values";
import { bundleName, verifyCommand } from "./command";

const t = s.exports;
const route = getRouteApi("/exports");
export const isLive = (job: Job) => job.state === "queued" || job.state === "running";

const labelOf = (job: Job) => `${t.states[job.state]}: ${plain(job.name)}`;

function State({ job }: { job: Job }) {
  if (job.state === "done" && job.missing)
    return (
      <Badge tone="bad" icon="alert">
        {t.states.incomplete}
      </Badge>
    );
  if (job.state === "done" && job.total === 0) return <Badge tone="plain">{t.states.empty}</Badge>;
  if (job.state === "done")
    return (
      <Badge tone="good" icon="check">
        {t.states.done}
      </Badge>
    );
  if (job.state === "failed")
    return (
      <Badge tone="bad" icon="alert">
        {t.states.failed}
      </Badge>
    );
  if (!isLive(job)) return <Badge tone="plain">{t.states[job.state]}</Badge>;
  return <Progress label={labelOf(job)} done={job.done} total={job.total} />;
}

const columnsOf = (
  matter: (id: number | null) => string,
  zoned: (title: string) => string,
): Column<Job>[] => [
  {
    id: "name",
    title: t.name,
    width: "minmax(0, 2fr)",
    cell: (job) => (
      <span className="strong">
        <MailText text={job.name || `#${job.id}`} />
      </span>
    ),
  },
  {
    id: "matter",
    isForRoom: true,
    title: t.matter,
    width: "minmax(0, 1.200fr)",
    cell: (job) => <span className="quiet">{matter(job.matter_id)}</span>,
  },
  {
    id: "format",
    isForRoom: true,
    title: t.format,
    width: "56px",
    cell: (job) => job.format.toUpperCase().replace("MBOX", "mbox"),
  },
  { id: "state", title: t.state, width: "190px", cell: (job) => <State job={job} /> },
  {
    id: "size",
    isForRoom: true,
    title: t.size,
    width: "72px",
    align: "end",
    cell: (job) => (job.size ? <Size bytes={job.size} /> : null),
  },
  {
    id: "asked",
    isForRoom: true,
    title: zoned(t.asked),
    width: "130px",
    cell: (job) => (
      <span className="quiet">
        <Time at={job.created_at} />
      </span>
    ),
  },
];

export function ExportsPage() {
  const { id } = route.useSearch();
  useTitle(t.title);
  const navigate = route.useNavigate();
  const zoned = useZoned();
  const exports = useQuery(q.exports());
  const order = [...(exports.data?.exports ?? [])].sort((a, b) => b.id - a.id);
  const at = order.findIndex((job) => job.id === id);
  const active = at >= 0 ? at : undefined;
  const choose = (i: number) => void navigate({ search: { id: order[i]?.id }, replace: true });
  useListKeys(order.length, active, choose);
  const matters = useQuery(q.matters);
  const nameOf = (matter: number | null) =>
    matter === null ? t.whole : (matters.data?.matters.find((m) => m.id === matter)?.name ?? `#${matter}`);
  return (
    <Page title={t.title}>
      <Await query={exports}>
        {() => {
          const chosen = order[at];
          if (!order.length)
            return (
              <Empty
                icon="bundle"
                title={t.none}
                act={
                  <Link className="button button-primary" to="/search">
                    {t.goSearch}
                  </Link>
                }
              >
                {t.noneWhy}
              </Empty>
            );
          return (
            <>
              <div className="card">
                <Table
                  isWhole
                  label={t.title}
                  columns={columnsOf(nameOf, zoned)}
                  count={order.length}
                  row={(i) => order[i]}
                  active={active}
                  onActive={choose}
                />
              </div>
              {chosen ? <Chosen key={chosen.id} job={chosen} /> : <p className="faint small">{t.pick}</p>}
            </>
          );
        }}
      </Await>
    </Page>
  );
}

function Chosen({ job }: { job: Job }) {
  const status = useQuery({ ...q.status, refetchInterval: false });
  const cancel = useMutation({
    mutationFn: () => api.cancelExport(job.id),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["exports"] }),
  });
  return (
    <Card
      title={<MailText text={job.name || `#${job.id}`} />}
      note={job.state === "done" && job.total === 0 ? t.states.empty : t.states[job.state]}
      acts={
        <>
          {isLive(job) && (
            <Button kind="quiet" onPress={() => cancel.mutate()} isPending={cancel.isPending}>
              {t.cancel}
            </Button>
          )}
          {job.state === "done" && (
            <ButtonLink kind="primary" icon="export" href={links.export(job.id)} download>
              {t.download}
            </ButtonLink>
          )}
        </>
      }
    >
      <div className="stack">
        <Refusal error={cancel.error} />
        {isLive(job) && <Progress label={labelOf(job)} done={job.done} total={job.total} />}
        {job.state === "failed" && (
          <Note tone="bad" icon="alert">
            {job.error}
          </Note>
        )}
        {job.state === "cancelled" && <p className="quiet small">{t.cancelled}</p>}
        {job.state === "done" && (
          <>
            {!!job.missing && (
              <Note tone="bad" icon="alert">
                {t.missing(job.missing)}
              </Note>
            )}
            {!!job.exceptions && job.exceptions > (job.missing ?? 0) && (
              <p className="small">{t.exceptions(job.exceptions)}</p>
            )}
            <h3>{t.verify}</h3>
            <p className="small">{t.verifyWhy}</p>
            <Copyable
              text={verifyCommand(bundleName(job), status.data?.log.key ?? "KEY")}
              label={s.ui.copy}
            />
            <p className="quiet small">{t.verifyWhat}</p>
            <dl className="facts">
              {job.sha256 && (
                <>
                  <dt>{t.sha}</dt>
                  <dd>
                    <Hash value={job.sha256} whole />
                  </dd>
                </>
              )}
              <dt>{t.asked}</dt>
              <dd>
                <Time at={job.created_at} /> {t.by.toLowerCase()} {job.asked_by}
              </dd>
              {job.ended_at && (
                <>
                  <dt>{t.ended}</dt>
                  <dd>
                    <Time at={job.ended_at} />
                  </dd>
                </>
              )}
              <dt>{t.exported}</dt>
              <dd>{s.ui.progress(job.done, job.total)}</dd>
            </dl>
          </>
        )}
      </div>
    </Card>
  );
}
