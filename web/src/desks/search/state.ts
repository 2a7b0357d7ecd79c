// The search as its address says it, and as the server takes it.
import type { SearchBody } from "../../api/types";
import type { SearchState } from "../../app/router";

export type Dialect = SearchState["dialect"];

export function bodyOf(state: SearchState): SearchBody {
  return {
    matter_id: state.matter ?? null,
    query: state.q ?? "",
    dialect: state.dialect ?? "kql",
    from: state.from,
    until: state.until,
    date_kind: state.by ?? "sent",
    sender: state.sender,
    recipient: state.recipient,
    custodian_id: state.custodian,
  };
}

export const filtersOn = (state: SearchState) =>
  [
    state.from ?? state.until,
    state.sender,
    state.recipient,
    state.custodian,
    asksUnproven(state.q ?? "") || undefined,
  ].filter((v) => v !== undefined).length;

export const withoutFilters = (state: SearchState): Partial<SearchState> => ({
  q: withUnproven(state.q ?? "", false) || undefined,
  from: undefined,
  until: undefined,
  by: undefined,
  sender: undefined,
  recipient: undefined,
  custodian: undefined,
});

const UNPROVEN = "has:unproven";

/** Whether the query asks for unproven sources alone, as the filter writes it. */
export const asksUnproven = (query: string) => query === UNPROVEN || query.endsWith(` AND ${UNPROVEN}`);

/** The query with that condition, or without it. */
export function withUnproven(query: string, on: boolean): string {
  if (on === asksUnproven(query)) return query;
  if (on) return query.trim() ? `(${query.trim()}) AND ${UNPROVEN}` : UNPROVEN;
  const rest = query.slice(0, -UNPROVEN.length).replace(/ AND $/, "");
  return rest.replace(/^\(([^()]*)\)$/, "$1");
}

const IN_TEXT = new Set(["", "body", "subject", "attachment", "attachmenttext"]);

/** What to mark in a message: what its snippet marked, and the words and phrases that the query asks for. */
export function wordsOf(
  query: string,
  snippet: { text: string; marks: readonly (readonly number[])[] } | undefined,
  dialect: SearchState["dialect"] = undefined,
): string[] {
  const operators =
    dialect === "dtsearch"
      ? /^(and|or|contains|(w|pre)\/\d+|xfirstword|xlastword)$/i
      : /^(AND|OR|NEAR(\(.*)?|ONEAR(\(.*)?)$/;
  const not = dialect === "dtsearch" ? /^not$/i : /^NOT$/;
  const words = (snippet?.marks ?? []).map(([from, to]) => snippet?.text.slice(from, to) ?? "");
  let negated = false;
  for (const match of query.matchAll(/(-?)(?:(\w+):)?(?:"([^"]*)"|([^\s()"]+))/g)) {
    const [whole, minus, field = "", phrase, word] = match;
    if (not.test(whole)) {
      negated = true;
      continue;
    }
    const text = phrase ?? word ?? "";
    const isOperator = !phrase && !field && operators.test(text);
    // `not w/5` excludes nothing that stands behind it by itself, and marks nothing.
    if (isOperator && negated) continue;
    if (!isOperator && !negated && !minus && IN_TEXT.has(field.toLowerCase()) && !/[*:<>=~%#]/.test(text))
      words.push(text);
    negated = false;
  }
  return [...new Set(words.filter((text) => text.length > 1))];
}

/** Characters before the first mark: two or three words. */
const LEAD = 18;

/** A snippet for one line: begun so late that its first mark shows, and without what leads into it but says nothing. */
export function trimmed(snippet: { text: string; marks: readonly (readonly number[])[] }, before = LEAD) {
  const mark = snippet.marks[0]?.[0] ?? 0;
  let cut = 0;
  if (mark > before) {
    const space = snippet.text.indexOf(" ", mark - before);
    cut = space >= 0 && space < mark ? space + 1 : mark - before;
  }
  const lead = cut > 0 ? "… " : "";
  // Ellipses, and the marks of quoted lines.
  cut += /^[\s…>|]*/.exec(snippet.text.slice(cut, mark || undefined))?.[0].length ?? 0;
  const by = lead.length - cut;
  return {
    // One line of it: each blank is one character still, so that marks stay where they are.
    text: lead + snippet.text.slice(cut).replace(/\s/g, " "),
    marks: snippet.marks.map(([from = 0, to = 0]) => [from + by, to + by]),
  };
}
