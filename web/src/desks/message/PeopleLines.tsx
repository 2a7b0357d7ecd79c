// From, To, Cc and the blind recipients, each line short until it is asked for in full.
import { useMemo } from "react";
import type { Participant } from "../../api/types";
import { s } from "../../strings";
import { MailText } from "../../ui/MailText";
import { Some } from "../../ui/Some";
import { Address, Badge } from "../../ui/values";
import { useFold } from "./fold";
import { type Entry, peopleOf, wordsOf } from "./people";

const FEW = 3;

const entryWords = ({ person, via }: Entry) => `${wordsOf(person)} ${via?.address ?? ""}`;
/** How it is known that somebody belongs on a line, where no header shows it. */
const toldBy = ({ delivery }: Entry) =>
  delivery === null ? s.message.fromHeader : s.message.fromEnvelope(delivery);

function Line({ label, entries, isTold }: { label: string; entries: Entry[]; isTold?: boolean }) {
  const [all, setAll] = useFold();
  const [first] = entries;
  // What is true of each of many is said once.
  const isOne = useMemo(
    () =>
      isTold &&
      entries.length > FEW &&
      entries.every((e) => e.delivery === entries[0]?.delivery && !e.isDoubtful),
    [entries, isTold],
  );
  if (!first) return null;
  const people = (some: readonly Entry[]) =>
    some.map((entry) => (
      <Recipient
        key={[entry.person.address, entry.via?.how, entry.via?.address].join(" ")}
        entry={entry}
        isTold={isTold && !isOne}
        isSilent={isOne}
      />
    ));
  return (
    <div className="people-line">
      <dt>{label}</dt>
      <dd>
        {isOne && (
          <Badge tone="plain" icon="envelope">
            {s.message.allOf(entries.length, toldBy(first))}
          </Badge>
        )}
        {all ? (
          <Some all={entries} label={s.message.find(entries.length)} wordsOf={entryWords}>
            {people}
          </Some>
        ) : (
          people(entries.slice(0, FEW))
        )}
        {entries.length > FEW && (
          <button type="button" className="link-button" onClick={() => setAll(!all)}>
            {all ? s.message.fewer : s.message.more(entries.length - FEW)}
          </button>
        )}
      </dd>
    </div>
  );
}

/** `isTold`: on a line that no header has. Whom the envelope alone knows says so, unless the line does. */
function Recipient({
  entry,
  isTold,
  isSilent,
}: {
  entry: Entry;
  isTold: boolean | undefined;
  isSilent: boolean | undefined;
}) {
  const { person, via, delivery, isDoubtful } = entry;
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
      {!isSilent && (isTold || (delivery !== null && !via)) && (
        <Badge tone="plain" icon="envelope">
          {toldBy(entry)}
        </Badge>
      )}
      {isDoubtful && (
        <Badge tone="source" icon="alert">
          {s.search.unproven}
        </Badge>
      )}
    </span>
  );
}

export function PeopleLines({ participants }: { participants: readonly Participant[] }) {
  const { lines } = peopleOf(participants);
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
