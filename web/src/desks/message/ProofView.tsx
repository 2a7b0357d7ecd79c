// The proof: verified while the reader waits, first in a sentence, then check by check, then in figures.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { links } from "../../api/calls";
import { bytes } from "../../api/client";
import type { Message, Proof } from "../../api/types";
import { q } from "../../app/queries";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Choose } from "../../ui/Field";
import { number } from "../../ui/format";
import { Icon } from "../../ui/icons";
import { Refusal } from "../../ui/Refusal";
import { saveText } from "../../ui/save";
import { Badge, Copyable, Hash, Time } from "../../ui/values";

const t = s.proof;

interface Props {
  id: number;
  matter: number | null;
  /** Absent where the message can't be read: what is sealed about it can be checked all the same. */
  message?: Message;
  first?: number | undefined;
}

export function ProofView({ id, matter, message, first }: Props) {
  const shown = message?.versions.find((version) => version.sha256 === message.version);
  const [delivery, setDelivery] = useState(shown?.deliveries[0] ?? first);
  const proof = useQuery(q.proof(id, matter, delivery));
  return (
    <div className="scroll view-pad" tabIndex={0} role="region" aria-label={s.message.tabs.proof}>
      <div className="stack stack-wide">
        {message && message.deliveries.length > 1 && (
          <div className="proof-choose">
            <Choose
              label={t.delivery}
              value={String(delivery)}
              onChange={(seq) => setDelivery(Number(seq))}
              choices={message.deliveries.map((d) => ({
                id: String(d.seq),
                name: s.message.delivery(d.seq),
                note: d.source,
              }))}
            />
          </div>
        )}
        <Await query={proof} lines={8}>
          {(data) => (
            <Shown
              proof={data}
              id={id}
              matter={matter}
              again={() => void proof.refetch()}
              at={proof.dataUpdatedAt}
            />
          )}
        </Await>
      </div>
    </div>
  );
}

function Shown({
  proof,
  id,
  matter,
  again,
  at,
}: {
  proof: Proof;
  id: number;
  matter: number | null;
  again: () => void;
  at: number;
}) {
  const good = proof.checks.every((check) => check.ok);
  const tone = proof.pending ? "plain" : good ? "good" : "bad";
  return (
    <>
      <section className={`verdict verdict-${tone}`}>
        <span className="verdict-sign">
          <Icon name={proof.pending ? "clock" : good ? "proof" : "alert"} size={22} />
        </span>
        <div className="grow stack stack-tight">
          <div className="row">
            <h2>{proof.pending ? t.pending : good ? t.good : t.bad}</h2>
            <span className="quiet small">
              <Time at={new Date(at).toISOString()} />
            </span>
          </div>
          <p>{proof.summary}</p>
          {proof.pending && <p className="quiet small">{t.pendingWhy}</p>}
        </div>
        <Button onPress={again}>{t.again}</Button>
      </section>
      <section className="stack">
        <h3>{t.checks}</h3>
        <ol className="checks">
          {proof.checks.map((check) => (
            <li key={check.name} className={check.ok ? "check-good" : "check-bad"}>
              <Icon name={check.ok ? "check" : "x"} />
              <div>
                <span className="strong">{check.name}</span>
                <p className="quiet small">{check.text}</p>
              </div>
            </li>
          ))}
        </ol>
        <InBrowser id={id} matter={matter} sha256={proof.message_sha256} />
        <p className="faint small">{t.limits}</p>
      </section>
      <section className="stack">
        <h3>{t.figures}</h3>
        <dl className="facts">
          <dt>{t.messageHash}</dt>
          <dd>
            <Hash value={proof.message_sha256} whole />
          </dd>
          <dt>{t.deliveryHash}</dt>
          <dd>
            <Hash value={proof.delivery_sha256} whole />
          </dd>
          <dt>{t.leaf}</dt>
          <dd>
            <Hash value={proof.leaf_hash} whole />
          </dd>
          <dt>{t.position}</dt>
          <dd>{t.of(proof.leaf_position, proof.log_size)}</dd>
          <dt>{t.root}</dt>
          <dd>
            <Hash value={proof.root} whole />
          </dd>
          <dt>{t.key}</dt>
          <dd className="mono">{proof.key}</dd>
        </dl>
        <Copyable text={proof.checkpoint.trimEnd()} label={s.ui.copy} />
        <div className="row">
          <Button
            icon="export"
            onPress={() => saveText(`checkpoint-${proof.log_size}.txt`, proof.checkpoint)}
          >
            {t.saveCheckpoint}
          </Button>
        </div>
      </section>
    </>
  );
}

/** The reader's own machine computes the hash of what it was given: no need to believe the server's word. */
function InBrowser({ id, matter, sha256 }: { id: number; matter: number | null; sha256: string }) {
  const check = useMutation({
    mutationFn: async () => {
      const source = await bytes(links.source(id, matter, sha256));
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", source));
      return {
        size: source.byteLength,
        same: [...hash].map((b) => b.toString(16).padStart(2, "0")).join("") === sha256,
      };
    },
  });
  if (!globalThis.isSecureContext) return <p className="faint small">{t.browserNo}</p>;
  return (
    <div className="row">
      <Button icon="screen" onPress={() => check.mutate()} isPending={check.isPending}>
        {t.browser}
      </Button>
      <span aria-live="polite">
        {check.data &&
          (check.data.same ? (
            <Badge tone="good" icon="check">
              {t.browserGood(`${number(check.data.size)} bytes`)}
            </Badge>
          ) : (
            <Badge tone="bad" icon="alert">
              {t.browserBad}
            </Badge>
          ))}
        <Refusal error={check.error} />
      </span>
    </div>
  );
}
