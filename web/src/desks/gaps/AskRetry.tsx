// Asks that the gaps which are shown are read again: how many, which, and what can come of it.
import { useQuery } from "@tanstack/react-query";
import { api } from "../../api/calls";
import type { GapsAsked } from "../../api/types";
import { q, asked as told } from "../../app/queries";
import { s } from "../../strings";
import { Confirm } from "../../ui/Confirm";
import { plain } from "../../ui/mail";

const t = s.retries;

export function AskRetry({
  asked,
  gaps,
  words,
  onClose,
}: {
  asked: GapsAsked;
  gaps: number;
  words: string;
  onClose: () => void;
}) {
  const isClosed = asked.reason === undefined || asked.reason === "encrypted";
  const passwords = useQuery({
    ...q.passwords(asked.matter ?? 0),
    enabled: isClosed && asked.matter !== undefined,
  });
  return (
    <Confirm
      title={t.askTitle(gaps)}
      act={t.act(gaps)}
      kind="primary"
      run={async () => {
        const { matter, custodian, ...others } = asked;
        await api.addRetry({ ...others, matter_id: matter ?? null, custodian_id: custodian ?? null });
        told(matter);
      }}
      onClose={onClose}
    >
      <p className="strong">{plain(words)}</p>
      <p>{t.askWhy}</p>
      {passwords.data && <p className="quiet">{t.passwords(passwords.data.passwords.length)}</p>}
    </Confirm>
  );
}
