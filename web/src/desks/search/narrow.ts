// A facet or a stretch of time as a condition in the text of a query, and out of it again. Pure.
import type { FacetField } from "../../api/types";
import type { Dialect } from "./state";

const NAMES: Record<FacetField, string> = {
  sender: "from",
  recipient: "recipients",
  domain: "participants",
  type: "type",
  language: "language",
  gap: "gap",
  source: "source",
  class: "class",
};
const PEOPLE = new Set<FacetField>(["sender", "recipient", "domain"]);

/** What the lexer takes for quotation marks. */
const MARKS = '"“”„‟＂';
/** Anything between marks, parentheses, and what runs on without blanks. */
const TOKENS = new RegExp(`[${MARKS}][^${MARKS}]*[${MARKS}]?|[()]|[^\\s()${MARKS}]+`, "gu");

/** Whether a value, between quotation marks, means nothing but itself. */
function isLiteral(field: FacetField, value: string, dialect: Dialect): boolean {
  if (!/[\p{L}\p{N}]/u.test(value) || new RegExp(`[${MARKS}*?\\p{C}]`, "u").test(value)) return false;
  // Blanks are compared one by one, and end where the value ends.
  if (/^\s|\s$|\s\s|[^\S ]/u.test(value)) return false;
  // What is no whole address is compared word by word, and finds more than was counted.
  if (
    PEOPLE.has(field) &&
    (/[\s<>;,]|^(mailto|smtp|\[smtp):/iu.test(value) || !asked(field, value).includes("@"))
  )
    return false;
  if (dialect === "dtsearch") return !/[=~%]|(^| )#|&( |$)|^x(first|last)word$/iu.test(value);
  return true;
}

/** Of a domain, everyone in it. */
const asked = (field: FacetField, value: string) => (field === "domain" ? `@${value}` : value);

/** The condition that a facet's value is; none where the language can't say it. */
export function termOf(field: FacetField, value: string, dialect: Dialect): string | undefined {
  if (!isLiteral(field, value, dialect)) return undefined;
  const text = asked(field, value);
  const isPlain = /^[\p{L}\p{N}._@][\p{L}\p{N}._@'-]*$/u.test(text);
  return `${NAMES[field]}:${isPlain ? text : `"${text}"`}`;
}

/** The parts that AND joins outside of all parentheses; one where OR joins anything there. */
function conjuncts(query: string, dialect: Dialect): { parts: string[]; isOr: boolean } {
  const isWord = (token: string, word: "AND" | "OR") =>
    (dialect === "dtsearch" ? token.toUpperCase() : token) === word;
  const whole = query.trim();
  const parts: string[] = [];
  let [depth, begun] = [0, 0];
  for (const match of whole.matchAll(TOKENS)) {
    const [token] = match;
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    else if (depth === 0 && isWord(token, "OR")) return { parts: [whole], isOr: true };
    else if (depth === 0 && isWord(token, "AND")) {
      parts.push(whole.slice(begun, match.index).trim());
      begun = match.index + token.length;
    }
  }
  parts.push(whole.slice(begun).trim());
  return { parts: parts.filter((part) => part !== ""), isOr: false };
}

/** Without the parentheses around all of it, if there are any. */
function bare(part: string): string {
  if (!part.startsWith("(") || !part.endsWith(")")) return part;
  let depth = 0;
  for (const { 0: token, index } of part.matchAll(TOKENS)) {
    if (token === "(") depth += 1;
    if (token === ")") depth -= 1;
    if (depth === 0 && index < part.length - 1) return part;
  }
  return part.slice(1, -1).trim() || part;
}

const joined = (parts: string[], dialect: Dialect) => parts.join(dialect === "dtsearch" ? " and " : " AND ");

export const asksFor = (query: string, term: string, dialect: Dialect) =>
  conjuncts(query, dialect).parts.includes(term);

/** The query and the condition. */
export function withTerm(query: string, term: string, dialect: Dialect): string {
  const { parts, isOr } = conjuncts(query, dialect);
  if (parts.includes(term)) return query;
  if (!parts.length) return term;
  return joined([isOr ? `(${parts[0]})` : query.trim(), term], dialect);
}

/** The query without the condition, wherever AND joins it. */
export function withoutTerm(query: string, term: string, dialect: Dialect): string {
  const { parts } = conjuncts(query, dialect);
  const rest = parts.filter((part) => part !== term);
  if (rest.length === parts.length) return query;
  return rest.length === 1 ? bare(rest[0] ?? "") : joined(rest, dialect);
}

export const toggled = (query: string, term: string, dialect: Dialect) =>
  asksFor(query, term, dialect) ? withoutTerm(query, term, dialect) : withTerm(query, term, dialect);

const DATE = "\\d{4}(?:-\\d\\d){0,2}";
const RANGE = new RegExp(`^(sent|received):${DATE}(?:\\.\\.${DATE})?$`);
const TERM = new RegExp(`^(?:${[...new Set(Object.values(NAMES))].join("|")}):(?:"[^"]*"|[^\\s()"]+)$`);

/** From one month, or year, to another. */
export const rangeTerm = (kind: "sent" | "received", from: string, until: string) =>
  `${kind}:${from === until ? from : `${from}..${until}`}`;

/** The query with this stretch of time instead of one of the same date that was there. */
export function withRange(query: string, term: string, dialect: Dialect): string {
  const kind = term.startsWith("sent:") ? "sent" : "received";
  return withTerm(withoutRange(query, kind, dialect), term, dialect);
}

/** The query without any stretch of time of this date. */
export function withoutRange(query: string, kind: "sent" | "received", dialect: Dialect): string {
  const ranges = conjuncts(query, dialect).parts.filter((part) => RANGE.exec(part)?.[1] === kind);
  return ranges.reduce((text, part) => withoutTerm(text, part, dialect), query);
}

/** The conditions in it that could have been chosen from a facet or the timeline. */
export const narrowings = (query: string, dialect: Dialect) =>
  conjuncts(query, dialect).parts.filter((part) => TERM.test(part) || RANGE.test(part));

export interface Bar {
  /** As a query writes it: `2026-01`, or `2026`. */
  key: string;
  families: number;
}

/** More months than this are shown as years. */
const MONTHS_MAX = 120;
/** More years than this, and only those that have something are shown. */
const YEARS_MAX = 150;

/** The timeline: every month between the first and the last, or every year. */
export function barsOf(months: readonly { month: string; families: number }[]): Bar[] {
  const at = (month: string) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
  const [first, last] = [months[0], months.at(-1)];
  if (!first || !last) return [];
  const year = (n: number) => String(n).padStart(4, "0");
  const isMonths = at(last.month) - at(first.month) < MONTHS_MAX;
  const counts = new Map<number, number>();
  for (const { month, families } of months) {
    const place = isMonths ? at(month) : Math.floor(at(month) / 12);
    counts.set(place, (counts.get(place) ?? 0) + families);
  }
  const [from, until] = [Math.min(...counts.keys()), Math.max(...counts.keys())];
  const places =
    until - from < YEARS_MAX
      ? Array.from({ length: until - from + 1 }, (_, i) => from + i)
      : [...counts.keys()];
  const name = (place: number) =>
    isMonths ? `${year(Math.floor(place / 12))}-${String((place % 12) + 1).padStart(2, "0")}` : year(place);
  return places.map((place) => ({ key: name(place), families: counts.get(place) ?? 0 }));
}
