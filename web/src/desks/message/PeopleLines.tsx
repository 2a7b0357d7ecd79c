// From, To, Cc and the blind recipients, each line short until it is asked for in full.
import { useMemo, useState } from "react";
import type { Participant } from "../../api/types";
import { s } from "../../strings";
import { Address, Badge } from "../../ui/values";
import { blind, envelopeOf, fold, inRole, type Person } from "./people";

const FEW = 3;

function Line({
  label,
  people,
  children,
}: {
  label: string;
  people: Person[];
  children?: (person: Person) => React.ReactNode;
}) {
  const [all, setAll] = useState(false);
  if (!people.length) return null;
  const shown = all ? people : people.slice(0, FEW);
  return (
    <div className="people-line">
      <dt>{label}</dt>
      <dd>
        {shown.map((person) => (
          <span key={person.address} className="person">
            <Address address={person.address} name={person.name} />
            {children?.(person)}
          </span>
        ))}
        {people.length > FEW && (
          <button type="button" className="link-button" onClick={() => setAll(!all)}>
            {all ? s.message.fewer : s.message.more(people.length - FEW)}
          </button>
        )}
      </dd>
    </div>
  );
}

export function PeopleLines({ participants }: { participants: readonly Participant[] }) {
  const people = useMemo(() => fold(participants), [participants]);
  return (
    <dl className="people-lines">
      <Line label={s.message.roles.from ?? ""} people={inRole(people, "from")} />
      <Line label={s.message.to} people={inRole(people, "to")} />
      <Line label={s.message.cc} people={inRole(people, "cc")} />
      <Line label={s.message.bcc} people={blind(people)}>
        {(person) => (
          <Badge tone="source" icon="envelope">
            {blindSource(person)}
          </Badge>
        )}
      </Line>
    </dl>
  );
}

const blindSource = (person: Person) =>
  person.known.some((k) => k.source === "envelope")
    ? s.message.fromEnvelope(envelopeOf(person))
    : s.message.fromHeader;
