// A disposition as a form that two people sign: what would go, who proposed it, who decided, what became of it.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, links } from "../../api/calls";
import type { Disposition } from "../../api/types";
import { decided, q } from "../../app/queries";
import { useDestroys } from "../../app/rights";
import { s } from "../../strings";
import { Button, ButtonLink } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Field } from "../../ui/Field";
import { number } from "../../ui/format";
import { Card } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";
import { type Column, Table } from "../../ui/Table";
import { Badge, Hash, Note, Size, Time, type Tone, useZoned } from "../../ui/values";

const t = s.records;
type Sampled = Disposition["sample"][number];

const tones: Record<Disposition["state"], Tone> = {
  proposed: "hold",
  refused: "plain",
  approved: "bad",
  destroying: "bad",
  done: "plain",
};

const columnsOf = (zoned: (title: string) => string): Column<Sampled>[] => [
  {
    id: "record",
    title: t.record,
    width: "minmax(0, 1.500fr)",
    cell: (record) => <Hash value={record.record} />,
  },
  {
    id: "received",
    title: zoned(t.receivedAt),
    width: "minmax(0, 1fr)",
    cell: (record) => <Time at={record.received_at} />,
  },
  {
    id: "source",
    title: t.source,
    width: "minmax(0, 1fr)",
    isForRoom: true,
    cell: (record) => <span className="clip quiet">{record.source}</span>,
  },
  {
    id: "size",
    title: t.size,
    width: "80px",
    align: "end",
    cell: (record) => <Size bytes={record.size_bytes} />,
  },
];

export function DispositionCard({ disposition: d }: { disposition: Disposition }) {
  const me = useQuery(q.session).data;
  const destroys = useDestroys();
  const zoned = useZoned();
  const [act, setAct] = useState<"approve" | "refuse" | null>(null);
  const resume = useMutation({ mutationFn: () => api.resume(d.id), onSettled: decided });
  const isMine = me?.name === d.proposed_by;
  const isUnderWay = d.state === "approved" || d.state === "destroying";
  return (
    <Card
      title={t.dispositionOf(d.class, d.epoch)}
      note={<Badge tone={tones[d.state]}>{t.states[d.state]}</Badge>}
      acts={
        <>
          {destroys && d.state === "proposed" && <Button onPress={() => setAct("refuse")}>{t.refuse}</Button>}
          {destroys && d.state === "proposed" && !isMine && (
            <Button kind="danger" onPress={() => setAct("approve")}>
              {t.approve}
            </Button>
          )}
          {destroys && d.stopped && (
            <Button kind="primary" onPress={() => resume.mutate()} isPending={resume.isPending}>
              {t.resume}
            </Button>
          )}
          {d.state === "done" && (
            <ButtonLink kind="primary" icon="proof" href={links.certificate(d.id)}>
              {t.certificate}
            </ButtonLink>
          )}
        </>
      }
    >
      <div className="stack">
        <Refusal error={resume.error} />
        {d.stopped && (
          <Note tone="bad" icon="alert">
            {t.stopped(d.stopped)}
          </Note>
        )}
        {isUnderWay && !d.stopped && (
          <p role="status">{t.progress(d.destroyed ?? 0, Math.max(d.deliveries - d.held, 0))}</p>
        )}
        {d.state === "proposed" && isMine && <Note tone="hold">{t.second}</Note>}
        <p>{t.figures(d.deliveries, d.held)}</p>
        <div className="signatures">
          <div className="signature">
            <h3>{t.first}</h3>
            <p>
              {d.proposed_by}, <Time at={d.proposed_at} />
            </p>
            <p className="quiet small">{t.firstSaid}</p>
          </div>
          <div className="signature">
            <h3>{d.state === "refused" ? t.refusedBy : t.secondSigns}</h3>
            {d.decided_by ? (
              <>
                <p>
                  {d.decided_by}, <Time at={d.decided_at} />
                </p>
                <p className="small">
                  <span className="quiet">{t.reason}:</span> {d.reason}
                </p>
              </>
            ) : (
              <p className="quiet">{t.unsigned}</p>
            )}
          </div>
        </div>
        {d.state === "done" && (
          <dl className="facts">
            <dt>{t.ended}</dt>
            <dd>
              <Time at={d.ended_at} />
            </dd>
            <dt>{t.destroyed}</dt>
            <dd>{number(d.destroyed ?? 0)}</dd>
            <dt>{t.kept}</dt>
            <dd>{number(d.kept ?? 0)}</dd>
          </dl>
        )}
        {d.sample.length > 0 && (
          <>
            <h3>{t.sample}</h3>
            <Table
              isWhole
              label={t.sample}
              columns={columnsOf(zoned)}
              count={d.sample.length}
              row={(at) => d.sample[at]}
            />
          </>
        )}
      </div>
      {act && <Decide disposition={d} act={act} onClose={() => setAct(null)} />}
    </Card>
  );
}

function Decide({
  disposition: d,
  act,
  onClose,
}: {
  disposition: Disposition;
  act: "approve" | "refuse";
  onClose: () => void;
}) {
  const [reason, setReason] = useState("");
  const isApproval = act === "approve";
  const most = Math.max(d.deliveries - d.held, 0);
  return (
    <Confirm
      title={isApproval ? t.approveTitle(d.class, d.epoch) : t.refuseTitle(d.class, d.epoch)}
      act={isApproval ? t.approveAct(most) : t.refuseAct}
      kind={isApproval ? "danger" : "primary"}
      isReady={reason.trim().length > 0}
      run={async () => {
        await (isApproval ? api.approve(d.id, reason.trim()) : api.refuse(d.id, reason.trim()));
        decided();
      }}
      onClose={onClose}
    >
      <p>{isApproval ? t.approveWhy(most, d.held) : t.refuseWhy}</p>
      <Field
        label={t.reason}
        value={reason}
        onChange={setReason}
        hint={t.reasonHint}
        placeholder={isApproval ? t.approvePlaceholder : t.refusePlaceholder}
        rows={3}
        autoFocus
      />
    </Confirm>
  );
}
