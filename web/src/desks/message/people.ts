// Who took part, folded by address, with every way in which it is known.
import type { Participant } from "../../api/types";

export interface Person {
  address: string;
  name: string;
  roles: string[];
  /** Named by no header as a recipient: only the envelope tells. */
  isBlind: boolean;
  known: { source: "header" | "envelope"; role: string; delivery: number | null; via: string | undefined }[];
}

const WROTE = new Set([
  "from",
  "sender",
  "reply_to",
  "reply-to",
  "on_behalf_of",
  "on-behalf-of",
  "originator",
]);
export const isRecipient = (role: string) => !WROTE.has(role);

export function fold(participants: readonly Participant[]): Person[] {
  const people = new Map<string, Person>();
  for (const p of participants) {
    const key = p.address.toLowerCase();
    const role = p.role.toLowerCase();
    const person: Person = people.get(key) ?? {
      address: p.address,
      name: "",
      roles: [],
      isBlind: false,
      known: [],
    };
    if (p.name && (!person.name || p.source === "header")) person.name = p.name;
    if (!person.roles.includes(role)) person.roles.push(role);
    person.known.push({ source: p.source, role, delivery: p.delivery ?? null, via: p.via ?? undefined });
    people.set(key, person);
  }
  for (const person of people.values()) person.isBlind = isBlind(person);
  return [...people.values()];
}

/** A blind recipient is one that an envelope names and no To or Cc does, unless a list that they name led there. */
function isBlind({ known }: Person): boolean {
  const openly = known.some((k) => k.source === "header" && (k.role === "to" || k.role === "cc"));
  if (openly) return false;
  const asRecipient = known.filter((k) => isRecipient(k.role));
  return asRecipient.some((k) => k.role === "bcc" || (k.source === "envelope" && !k.via));
}

export const inRole = (people: readonly Person[], role: string) =>
  people.filter((p) => p.known.some((k) => k.source === "header" && k.role === role));
export const blind = (people: readonly Person[]) => people.filter((p) => p.isBlind);

/** The first envelope that names someone, for the one line under the subject. */
export const envelopeOf = (person: Person) =>
  person.known.find((k) => k.source === "envelope" && isRecipient(k.role) && k.delivery !== null)?.delivery ??
  null;
