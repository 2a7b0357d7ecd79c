// Who took part, folded by address, with every way in which it is known, and the line on which each belongs.
import type { Participant } from "../../api/types";

type Via = NonNullable<Participant["via"]>;

interface Known {
  source: Participant["source"];
  role: string;
  delivery: number | null;
  /** Said by a delivery that did not show what its source must show. */
  isDoubtful: boolean;
  via: Via | null;
}

export interface Person {
  address: string;
  name: string;
  known: Known[];
}

/** A person on one line of the header; through whom, if the envelope says so. */
export interface Entry {
  person: Person;
  via: Via | null;
  /** The delivery whose envelope tells; none if the header does. */
  delivery: number | null;
  /** No proven delivery tells. */
  isDoubtful: boolean;
}

export interface Lines {
  from: Entry[];
  to: Entry[];
  cc: Entry[];
  bcc: Entry[];
  /** Reached through a list or a mailbox that no header shows, the envelope not saying how. */
  also: Entry[];
}

const RECEIVED = new Set(["to", "cc", "bcc", "recipient"]);
const isTyped = (known: Known): known is Known & { role: "to" | "cc" } =>
  known.role === "to" || known.role === "cc";

/** What someone is found by. */
export const wordsOf = ({ name, address }: Person) => `${name} ${address}`;

export function fold(participants: readonly Participant[]): Person[] {
  const people = new Map<string, Person>();
  for (const { address, name, role, source, delivery, is_proven, via } of participants) {
    const key = address.toLowerCase();
    const person: Person = people.get(key) ?? { address, name: "", known: [] };
    if (name && (!person.name || source === "header")) person.name = name;
    const isDoubtful = is_proven === false;
    person.known.push({ source, role, delivery: delivery ?? null, isDoubtful, via: via ?? null });
    people.set(key, person);
  }
  // Where a proven delivery says the same, it is the one that tells.
  for (const { known } of people.values()) known.sort((a, b) => Number(a.isDoubtful) - Number(b.isDoubtful));
  return [...people.values()];
}

/** To or Cc, if a header shows the person there. */
const shownIn = (person: Person | undefined) =>
  (["to", "cc"] as const).find((line) => person?.known.some((k) => k.source === "header" && k.role === line));

/**
 * Header recipients stand where the header has them, and whom they led to, by expansion or forwarding, below
 * the same heading. Whom an envelope types stands where it says, whatever the header hides. Blind is whom an
 * envelope calls so, or names without a kind, a header or another recipient accounting for it.
 */
export function linesOf(people: readonly Person[]): Lines {
  const lines: Lines = { from: [], to: [], cc: [], bcc: [], also: [] };
  const by = new Map(people.map((person) => [person.address.toLowerCase(), person]));
  const seen = new Set<string>();
  const put = (line: keyof Lines, person: Person, { via, delivery, isDoubtful }: Known) => {
    const key = [line, person.address, via?.how, via?.address].join(" ");
    if (!seen.has(key)) lines[line].push({ person, via, delivery, isDoubtful });
    seen.add(key);
  };
  const each = (source: Participant["source"], act: (person: Person, known: Known) => void) => {
    for (const person of people) for (const k of person.known) if (k.source === source) act(person, k);
  };
  each("header", (person, k) => {
    if (k.role === "from" || k.role === "to" || k.role === "cc") put(k.role, person, k);
  });
  each("envelope", (person, k) => {
    if (!RECEIVED.has(k.role)) return;
    if (k.role === "bcc") put("bcc", person, k);
    else if (shownIn(person)) return;
    else if (!k.via) {
      // One report may say how they were reached, and another only that they were.
      if (person.known.some((other) => other.via && other.role !== "bcc")) return;
      if (isTyped(k)) put(k.role, person, k);
      else if (!person.known.some((other) => other.source === "envelope" && isTyped(other)))
        put("bcc", person, k);
    } else put(shownIn(by.get(k.via.address.toLowerCase())) ?? (isTyped(k) ? k.role : "also"), person, k);
  });
  const blind = new Set(lines.bcc.map((entry) => entry.person));
  each("header", (person, k) => {
    if (k.role === "bcc" && !blind.has(person)) put("bcc", person, k);
  });
  return lines;
}

const known = new WeakMap<readonly Participant[], { people: Person[]; lines: Lines }>();

/** Both of a message, worked out once for all who show it. */
export function peopleOf(participants: readonly Participant[]): { people: Person[]; lines: Lines } {
  const was = known.get(participants);
  if (was) return was;
  const people = fold(participants);
  const both = { people, lines: linesOf(people) };
  known.set(participants, both);
  return both;
}
