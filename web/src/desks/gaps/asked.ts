// Which gaps are asked for: what can be chosen of each kind, with how many there are, and how a search asks for
// the same. Pure.
import type { Gaps, GapsAsked } from "../../api/types";
import { termOf } from "../search/narrow";

/** What the list is narrowed by. */
export const KINDS = ["reason", "source", "custodian", "media_type"] as const;
export type Kind = (typeof KINDS)[number];

export interface Choosable {
  /** As the address has it. */
  value: string;
  name: string;
  gaps: number;
}

export const isNarrowed = (asked: GapsAsked) => KINDS.some((kind) => asked[kind] !== undefined);

/** The same gaps, of this value of its kind; of any, if they were of this one. */
export function chosen(asked: GapsAsked, kind: Kind, value: string): GapsAsked {
  const { [kind]: before, ...others } = asked;
  if (String(before) === value) return others;
  return { ...others, [kind]: kind === "custodian" ? Number(value) : value };
}

/** Of one kind, beside what is chosen of the others: the most first. What is chosen is there, even with none. */
export function choosable(
  found: Pick<Gaps, "counts" | "sources" | "custodians">,
  asked: GapsAsked,
  kind: Kind,
  nameOf: (custodian: number) => string = String,
): Choosable[] {
  const all = listed(found, asked, kind).sort((a, b) => b.gaps - a.gaps);
  const now = asked[kind];
  if (now === undefined || all.some(({ value }) => value === String(now))) return all;
  return [
    ...all,
    { value: String(now), name: kind === "custodian" ? nameOf(Number(now)) : String(now), gaps: 0 },
  ];
}

function listed(
  { counts, sources, custodians }: Pick<Gaps, "counts" | "sources" | "custodians">,
  asked: GapsAsked,
  kind: Kind,
): Choosable[] {
  if (kind === "source") return sources.map(({ source, gaps }) => ({ value: source, name: source, gaps }));
  if (kind === "custodian")
    return custodians.map(({ id, name, gaps }) => ({ value: String(id), name, gaps }));
  // Each count is of a reason and a type.
  const other = kind === "reason" ? "media_type" : "reason";
  const sums = new Map<string, number>();
  for (const count of counts) {
    if (asked[other] !== undefined && count[other] !== asked[other]) continue;
    sums.set(count[kind], (sums.get(count[kind]) ?? 0) + count.gaps);
  }
  return [...sums].map(([value, gaps]) => ({ value, name: value, gaps }));
}

/** A query for the messages that they are in; none where the query language can't ask for them. */
export function queryOf(asked: GapsAsked): string | undefined {
  if (asked.reason === undefined) return undefined;
  const terms = [
    termOf("gap", asked.reason, undefined),
    asked.media_type === undefined ? "" : termOf("type", asked.media_type, undefined),
    asked.source === undefined ? "" : termOf("source", asked.source, undefined),
  ];
  if (terms.includes(undefined)) return undefined;
  return terms.filter(Boolean).join(" AND ");
}
