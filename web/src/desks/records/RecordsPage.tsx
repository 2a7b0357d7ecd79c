// Records: which months are kept until when, and their destruction by two people. No mail is seen here.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api } from "../../api/calls";
import type { Disposition, Epoch, RetentionClass } from "../../api/types";
import { decided, isUnderWay, q, queryClient } from "../../app/queries";
import { useDestroys } from "../../app/rights";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { number, size } from "../../ui/format";
import { Card, Page } from "../../ui/Page";
import { useTitle } from "../../ui/title";
import { Badge, Note, Size, Time } from "../../ui/values";
import { Calendar } from "./Calendar";
import { type Cell, calendar, lastOf } from "./calendar";
import { DispositionCard } from "./DispositionCard";
import "./records.css";

const t = s.records;
const route = getRouteApi("/records");

export function RecordsPage() {
  useTitle(t.title);
  const epochs = useQuery(q.epochs);
  const dispositions = useQuery(q.dispositions);
  const classes = useQuery(q.classes);
  return (
    <Page title={t.title} note={t.why}>
      <Await query={epochs}>
        {(e) => (
          <Await query={dispositions}>
            {(d) => (
              <Await query={classes}>
                {(c) => <Shown epochs={e.epochs} dispositions={d.dispositions} classes={c.classes} />}
              </Await>
            )}
          </Await>
        )}
      </Await>
    </Page>
  );
}

function Shown({
  epochs,
  dispositions,
  classes,
}: {
  epochs: Epoch[];
  dispositions: Disposition[];
  classes: RetentionClass[];
}) {
  const chosen = route.useSearch();
  const navigate = route.useNavigate();
  const underWay = dispositions.filter(isUnderWay).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: one that has ended leaves other months behind
  useEffect(() => {
    void queryClient.invalidateQueries({ queryKey: q.epochs.queryKey });
  }, [underWay]);
  const rows = calendar(epochs, dispositions);
  const cells = rows.flatMap((row) => row.years.flatMap((year) => year.months)).filter((cell) => !!cell);
  const isChosen = (cell: Cell) => cell.class === chosen.class && cell.epoch === chosen.epoch;
  const waiting = dispositions.filter((d) => d.state === "proposed");
  const go = (cell: { class: string; epoch: string }) =>
    void navigate({ search: { class: cell.class, epoch: cell.epoch }, replace: true });
  if (!rows.length)
    return (
      <Empty icon="calendar" title={t.none}>
        {t.noneWhy}
      </Empty>
    );
  const cell = cells.find(isChosen);
  return (
    <>
      {waiting.map((d) => (
        <Note key={d.id} tone="hold">
          <div className="row">
            <p className="grow">{t.waits(d.proposed_by, d.class, d.epoch)}</p>
            <Button onPress={() => go(d)}>{t.look}</Button>
          </div>
        </Note>
      ))}
      {rows.map((row) => (
        <Calendar
          key={row.name}
          row={row}
          of={classes.find((it) => it.name === row.name)}
          isChosen={isChosen}
          onChoose={go}
        />
      ))}
      {cell ? (
        <>
          {cell.of && <EpochCard key={`${cell.class} ${cell.epoch}`} epoch={cell.of} cell={cell} />}
          <Decided cell={cell} dispositions={dispositions} />
        </>
      ) : (
        <p className="faint small">{t.pick}</p>
      )}
    </>
  );
}

function Decided({ cell, dispositions }: { cell: Cell; dispositions: Disposition[] }) {
  const last = lastOf(cell, dispositions);
  const earlier = dispositions.filter(
    (d) => d.class === cell.class && d.epoch === cell.epoch && d.id !== last?.id,
  );
  return (
    <>
      {last && <DispositionCard key={last.id} disposition={last} />}
      {earlier.length > 0 && (
        <Card title={t.earlier}>
          <ul className="stack">
            {earlier.map((d) => (
              <li key={d.id} className="small">
                {t.states[d.state]}, {t.proposedBy} {d.proposed_by} <Time at={d.proposed_at} />
                {d.reason && `: ${d.reason}`}
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

function EpochCard({ epoch, cell }: { epoch: Epoch; cell: Cell }) {
  const destroys = useDestroys();
  const [isProposing, setProposing] = useState(false);
  const isOpen = epoch.disposition_id !== null;
  return (
    <Card
      title={t.epochOf(epoch.class, epoch.epoch)}
      note={<Badge tone="plain">{t.standings[cell.standing]}</Badge>}
      acts={
        destroys &&
        epoch.is_due &&
        !isOpen && (
          <Button kind="danger" onPress={() => setProposing(true)}>
            {t.propose}
          </Button>
        )
      }
    >
      <dl className="facts">
        <dt>{t.deliveries}</dt>
        <dd>{number(epoch.deliveries)}</dd>
        <dt>{t.segments}</dt>
        <dd>{number(epoch.segments)}</dd>
        <dt>{t.received}</dt>
        <dd>
          <Size bytes={epoch.bytes_received} />
        </dd>
        <dt>{t.stored}</dt>
        <dd>
          <Size bytes={epoch.bytes_stored} />
        </dd>
        <dt>{t.due}</dt>
        <dd>
          <Time at={epoch.due_at} absent={t.noDue} />
        </dd>
      </dl>
      {!epoch.is_due && <p className="quiet small">{t.notDue}</p>}
      {isProposing && (
        <Confirm
          title={t.proposeTitle(epoch.class, epoch.epoch)}
          act={t.proposeAct(epoch.deliveries)}
          run={async () => {
            await api.propose({ class: epoch.class, epoch: epoch.epoch });
            decided();
          }}
          onClose={() => setProposing(false)}
        >
          <p>{t.proposeWhy(epoch.deliveries, size(epoch.bytes_received))}</p>
          <p>{t.proposeThen}</p>
        </Confirm>
      )}
    </Card>
  );
}
