// From, To, Cc and the blind recipients, each line short until it is asked for in full.
import { useMemo } from "react";
import type { Participant } from "../../api/types";
import { s } from "../../strings";
import { MailText } from "../../ui/MailText";
import { Address, Badge } from "../../ui/values";
import { useFold } from "./fold";
import { type Entry, fold, linesOf } from "./people";

const FEW = 3;

function Line({ label, entries, isTold }: { label: string; entries: Entry[]; isTold?: boolean }) {
  const [all, setAll] = useFold();
  if (!entries.length) return null;
  const shown = all ? entries : entries.slice(0, FEW);
  return (
    <div className="people-line">
      <dt>{label}</dt>
      <dd>
        {shown.map((entry) => (
          <Recipient
            key={[entry.person.address, entry.via?.how, entry.via?.address].join(" ")}
            entry={entry}
            isTold={isTold}
          />
        ))}
        {entries.length > FEW && (
          <button type="button" className="link-button" onClick={() => setAll(!all)}>
            {all ? s.message.fewer : s.message.more(entries.length - FEW)}
          </button>
        )}
      </dd>
    </div>
  );
}

/** `isTold`: on a line that no header has. Whom the envelope alone knows says so. */
function Recipient({
  entry: { person, via, delivery },
  isTold,
}: {
  entry: Entry;
  isTold: boolean | undefined;
}) {
  return (
    <span className="person">
      {via?.how === "forwarded" && (
        <span className="quiet">
          <MailText text={via.address} /> {s.message.forwardedTo}
        </span>
      )}
      <Address address={person.address} name={person.name} />
      {via?.how === "expanded" && (
        <span className="quiet">
          {s.message.viaList} <MailText text={via.address} />
        </span>
      )}
      {(isTold || (delivery !== null && !via)) && (
        <Badge tone="source" icon="envelope">
          {delivery === null ? s.message.fromHeader : s.message.fromEnvelope(delivery)}
        </Badge>
      )}
    </span>
  );
}

export function PeopleLines({ participants }: { participants: readonly Participant[] }) {
  const lines = useMemo(() => linesOf(fold(participants)), [participants]);
  return (
    <dl className="people-lines">
      <Line label={s.message.roles.from ?? ""} entries={lines.from} />
      <Line label={s.message.to} entries={lines.to} />
      <Line label={s.message.cc} entries={lines.cc} />
      <Line label={s.message.bcc} entries={lines.bcc} isTold />
      <Line label={s.message.also} entries={lines.also} isTold />
    </dl>
  );
}
