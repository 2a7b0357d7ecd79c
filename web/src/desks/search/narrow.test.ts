import { expect, test } from "vitest";
import {
  asksFor,
  barsOf,
  narrowings,
  rangeTerm,
  termOf,
  toggled,
  withoutRange,
  withoutTerm,
  withRange,
  withTerm,
} from "./narrow";

test("a value is a condition on the field that was counted", () => {
  expect(termOf("sender", "alice@acme.test", undefined)).toBe("from:alice@acme.test");
  expect(termOf("recipient", "kim@acme.test", undefined)).toBe("recipients:kim@acme.test");
  expect(termOf("domain", "acme.test", undefined)).toBe("participants:@acme.test");
  expect(termOf("type", "pdf", "dtsearch")).toBe("type:pdf");
  expect(termOf("language", "deu", undefined)).toBe("language:deu");
  expect(termOf("gap", "not-ocred", "dtsearch")).toBe("gap:not-ocred");
  expect(termOf("source", "exchange", undefined)).toBe("source:exchange");
  expect(termOf("class", "東京", undefined)).toBe("class:東京");
});

test("what could be read as something else stands in quotation marks", () => {
  expect(termOf("type", "application/pdf", undefined)).toBe('type:"application/pdf"');
  expect(termOf("source", "exchange online", undefined)).toBe('source:"exchange online"');
  expect(termOf("sender", "a+b@x.test", "dtsearch")).toBe('from:"a+b@x.test"');
  expect(termOf("sender", "-a@x.test", undefined)).toBe('from:"-a@x.test"');
  expect(termOf("sender", "o'neil@x.test", undefined)).toBe("from:o'neil@x.test");
  expect(termOf("source", "a(b):c", undefined)).toBe('source:"a(b):c"');
});

test("what the language can't say is no condition", () => {
  for (const value of [
    'a"b@x.test',
    "a*@x.test",
    "a?@x.test",
    "a b@x.test",
    "a;b@x.test",
    "/o=corp/cn=a",
    "“a”@x",
  ])
    expect(termOf("sender", value, undefined)).toBeUndefined();
  for (const value of ["a  b", " a", "a\tb", "--", "a\u200bb"])
    expect(termOf("source", value, undefined)).toBeUndefined();
  // Some letters mean something in one language only.
  for (const value of ["a=b@x.test", "a~@x.test", "a%b@x.test", "#a@x.test"]) {
    expect(termOf("sender", value, "dtsearch")).toBeUndefined();
    expect(termOf("sender", value, undefined)).toBe(`from:"${value}"`);
  }
});

test("a condition joins all of a query", () => {
  const term = "from:a@x.test";
  for (const [query, kql, dtsearch] of [
    ["", term, term],
    ["  ", term, term],
    ["merger", `merger AND ${term}`, `merger and ${term}`],
    ["term sheet", `term sheet AND ${term}`, `term sheet and ${term}`],
    ["a OR b", `(a OR b) AND ${term}`, `(a OR b) and ${term}`],
    ["(a OR b)", `(a OR b) AND ${term}`, `(a OR b) and ${term}`],
    ["(a) OR (b)", `((a) OR (b)) AND ${term}`, `((a) OR (b)) and ${term}`],
    ['"a OR b"', `"a OR b" AND ${term}`, `"a OR b" and ${term}`],
    ["“a OR b” c", `“a OR b” c AND ${term}`, `“a OR b” c and ${term}`],
    ["a or b", `a or b AND ${term}`, `(a or b) and ${term}`],
    ["a NOT b", `a NOT b AND ${term}`, `a NOT b and ${term}`],
    ["a NEAR(5) b", `a NEAR(5) b AND ${term}`, `a NEAR(5) b and ${term}`],
  ] as const) {
    expect(withTerm(query, term, undefined)).toBe(kql);
    expect(withTerm(query, term, "dtsearch")).toBe(dtsearch);
  }
});

test("a second choice takes the condition out and leaves the rest as it was", () => {
  const term = 'type:"application/pdf"';
  for (const query of ["", "merger", "a OR b", "(a OR b) AND (c OR d)", 'a AND "x AND y"', "a AND NOT b"])
    for (const dialect of [undefined, "dtsearch"] as const) {
      const narrowed = toggled(query, term, dialect);
      expect(asksFor(query, term, dialect)).toBe(false);
      expect(asksFor(narrowed, term, dialect)).toBe(true);
      expect(withTerm(narrowed, term, dialect)).toBe(narrowed);
      expect(toggled(narrowed, term, dialect).replaceAll(" and ", " AND ")).toBe(query);
    }
  expect(withoutTerm("(a) AND type:pdf AND (b)", "type:pdf", undefined)).toBe("(a) AND (b)");
  expect(withoutTerm("type:pdf AND a", "type:pdf", undefined)).toBe("a");
});

test("a condition that is not joined by AND is not taken for a choice", () => {
  expect(asksFor("a OR from:x@y", "from:x@y", undefined)).toBe(false);
  expect(asksFor("a AND NOT from:x@y", "from:x@y", undefined)).toBe(false);
  expect(asksFor("(a AND from:x@y)", "from:x@y", undefined)).toBe(false);
  expect(toggled("a OR from:x@y", "from:x@y", undefined)).toBe("(a OR from:x@y) AND from:x@y");
  expect(withoutTerm("a OR from:x@y", "from:x@y", undefined)).toBe("a OR from:x@y");
});

test("a stretch of time takes the place of another of the same date", () => {
  expect(rangeTerm("sent", "2026-01", "2026-01")).toBe("sent:2026-01");
  const term = rangeTerm("sent", "2026-01", "2026-03");
  expect(term).toBe("sent:2026-01..2026-03");
  expect(withRange("a OR b", term, undefined)).toBe(`(a OR b) AND ${term}`);
  expect(withRange(`(a OR b) AND ${term}`, "sent:2026-02", undefined)).toBe("(a OR b) AND sent:2026-02");
  expect(withRange("received:2026-01 AND sent:2025", term, undefined)).toBe(`received:2026-01 AND ${term}`);
  expect(withRange("a and sent>=2026", term, "dtsearch")).toBe(`a and sent>=2026 and ${term}`);
});

test("what was chosen is told apart from the words", () => {
  const query = 'a b AND from:x@y AND sent:2026-01..2026-02 AND source:"a b" AND subject:c AND NOT type:pdf';
  expect(narrowings(query, undefined)).toEqual(["from:x@y", "sent:2026-01..2026-02", 'source:"a b"']);
  expect(narrowings("from:x@y OR a", undefined)).toEqual([]);
});

test("a timeline has every month, and years where months are many", () => {
  const months = (...all: [string, number][]) => all.map(([month, families]) => ({ month, families }));
  expect(barsOf([])).toEqual([]);
  expect(barsOf(months(["2025-11", 2], ["2026-02", 3]))).toEqual([
    { key: "2025-11", families: 2 },
    { key: "2025-12", families: 0 },
    { key: "2026-01", families: 0 },
    { key: "2026-02", families: 3 },
  ]);
  const years = barsOf(months(["2010-01", 1], ["2010-06", 2], ["2026-02", 3]));
  expect([years.length, years[0], years.at(-1)]).toEqual([
    17,
    { key: "2010", families: 3 },
    { key: "2026", families: 3 },
  ]);
  // A date that nobody meant does not make a thousand bars.
  expect(barsOf(months(["0999-01", 1], ["2026-02", 3])).map((bar) => bar.key)).toEqual(["0999", "2026"]);
});

test("all dates of one kind go out of a query, wherever AND joins them", () => {
  expect(withoutRange("a AND sent:2026-01 AND received:2026 AND sent:2025..2026", "sent", undefined)).toBe(
    "a AND received:2026",
  );
  expect(withoutRange("(a OR b) AND sent:2026-01..2026-03", "sent", undefined)).toBe("a OR b");
  expect(withoutRange("a OR sent:2026", "sent", undefined)).toBe("a OR sent:2026");
  expect(withoutRange("sent:2026", "sent", undefined)).toBe("");
});
