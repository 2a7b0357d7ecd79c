// The readings that were asked for: those under way with how far they are, the others with what came of them.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api } from "../../api/calls";
import type { Retry } from "../../api/types";
import { isReading, q, asked as told } from "../../app/queries";
import { s } from "../../strings";
import { Failed } from "../../ui/Await";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { MailText } from "../../ui/MailText";
import { plain } from "../../ui/mail";
import { Card } from "../../ui/Page";
import { Progress } from "../../ui/Progress";
import { type Column, Table } from "../../ui/Table";
import { Badge, Time, useZoned } from "../../ui/values";
import { type NameOf, wordsOf } from "./words";

const t = s.retries;
/** Readings that are shown before more are asked for. */
const FEW = 4;

const which = (retry: Retry, nameOf: NameOf) =>
  wordsOf(
    {
      reason: retry.reason ?? undefined,
      media_type: retry.media_type ?? undefined,
      source: retry.source ?? undefined,
      custodian: retry.custodian_id ?? undefined,
    },
    nameOf,
  );

function State({ retry, words }: { retry: Retry; words: string }) {
  const state = t.states[retry.state] ?? retry.state;
  if (retry.state === "running")
    return <Progress label={`${state}: ${plain(words)}`} done={retry.done} total={retry.total} />;
  if (retry.state === "done")
    return (
      <Badge tone="good" icon="check">
        {state}
      </Badge>
    );
  if (retry.state === "failed")
    return (
      <Badge tone="bad" icon="alert">
        {state}
      </Badge>
    );
  return <Badge tone="plain">{state}</Badge>;
}

const columnsOf = (
  nameOf: NameOf,
  zoned: (title: string) => string,
  cancel: (retry: Retry) => void,
): Column<Retry>[] => [
  {
    id: "which",
    title: t.of,
    width: "minmax(0, 1.600fr)",
    cell: (retry) => <MailText text={which(retry, nameOf)} />,
  },
  {
    id: "state",
    title: t.state,
    width: "150px",
    cell: (retry) => <State retry={retry} words={which(retry, nameOf)} />,
  },
  {
    id: "result",
    title: t.result,
    width: "minmax(0, 1fr)",
    isForRoom: true,
    cell: ({ gaps_before, gaps_after }) =>
      typeof gaps_before === "number" && typeof gaps_after === "number" ? (
        <span className="clip">{t.closed(gaps_before, gaps_after)}</span>
      ) : null,
  },
  {
    id: "asked",
    title: zoned(t.asked),
    width: "130px",
    isForRoom: true,
    cell: (retry) => (
      <span className="quiet">
        <Time at={retry.created_at} />
      </span>
    ),
  },
  {
    id: "by",
    title: t.by,
    width: "90px",
    isForRoom: true,
    cell: (retry) => <span className="clip quiet">{retry.asked_by}</span>,
  },
  {
    id: "cancel",
    title: s.ui.cancel,
    isTitleHidden: true,
    width: "32px",
    cell: (retry) =>
      isReading(retry) ? (
        <IconButton icon="x" label={t.cancel(plain(which(retry, nameOf)))} onPress={() => cancel(retry)} />
      ) : null,
  },
];

/** `onEnd`: one that was seen under way is so no more, and the gaps are others now. */
export function Retries({
  matter,
  nameOf,
  onEnd,
}: {
  matter: number | undefined;
  nameOf: NameOf;
  onEnd: () => void;
}) {
  const list = useQuery(q.retries(matter));
  const zoned = useZoned();
  const [isWhole, setWhole] = useState(false);
  const [cancelling, setCancelling] = useState<Retry | null>(null);
  const all = list.data?.retries ?? [];
  const under = useRef<number[]>([]);
  useEffect(() => {
    const retries = list.data?.retries ?? [];
    const ended = (id: number) => retries.some((retry) => retry.id === id && !isReading(retry));
    if (under.current.some(ended)) onEnd();
    under.current = retries.filter(isReading).map(({ id }) => id);
  }, [list.data, onEnd]);
  if (list.error && !list.data) return <Failed error={list.error} retry={() => void list.refetch()} />;
  if (!all.length) return null;
  const shown = isWhole ? all : all.slice(0, FEW);
  return (
    <Card title={t.title} isFlush>
      <Table
        isWhole
        label={t.title}
        columns={columnsOf(nameOf, zoned, setCancelling)}
        count={shown.length}
        row={(i) => shown[i]}
      />
      {shown.length < all.length && (
        <div className="gap-more">
          <Button kind="quiet" onPress={() => setWhole(true)}>
            {t.more(all.length - shown.length)}
          </Button>
        </div>
      )}
      {cancelling && (
        <Confirm
          title={t.cancelTitle}
          act={t.cancelAct}
          run={async () => {
            await api.cancelRetry(cancelling.id);
            told(matter);
          }}
          onClose={() => setCancelling(null)}
        >
          <p className="strong">{plain(which(cancelling, nameOf))}</p>
          <p>{t.cancelWhy}</p>
        </Confirm>
      )}
    </Card>
  );
}
