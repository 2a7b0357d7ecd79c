import { expect, test } from "vitest";
import { asksUnproven, bodyOf, filtersOn, trimmed, withUnproven, wordsOf } from "./state";

test("an address says one search, and a date says which date", () => {
  expect(bodyOf({ matter: 3, q: "a", from: "2026-01-01" })).toMatchObject({
    matter_id: 3,
    query: "a",
    date_kind: "sent",
  });
  expect(bodyOf({})).toMatchObject({ matter_id: null, query: "", date_kind: "sent" });
  expect(filtersOn({ from: "2026-01-01", until: "2026-02-01", sender: "a@x" })).toBe(2);
  expect(filtersOn({ q: "has:unproven" })).toBe(1);
});

test("marks are the words that are asked for, not the operators, the addresses or what is excluded", () => {
  expect(
    wordsOf('(merger OR "term sheet") AND from:alice NOT lunch -oslo subject:budget', undefined),
  ).toEqual(["merger", "term sheet", "budget"]);
});

test("what the snippet marked comes first, each once", () => {
  expect(wordsOf("merg* plan", { text: "the mergers plan", marks: [[4, 11]] })).toEqual(["mergers", "plan"]);
});

test("the filter on unproven sources writes itself into the query, and takes itself out again", () => {
  for (const [plain, filtered] of [
    ["", "has:unproven"],
    ["a OR b", "(a OR b) AND has:unproven"],
    ["(a OR b) AND (c)", "((a OR b) AND (c)) AND has:unproven"],
  ] as const) {
    expect(withUnproven(plain, true)).toBe(filtered);
    expect(withUnproven(filtered, true)).toBe(filtered);
    expect([asksUnproven(plain), asksUnproven(filtered)]).toEqual([false, true]);
    expect(asksUnproven(withUnproven(filtered, false))).toBe(false);
  }
  expect(withUnproven("(a OR b) AND has:unproven", false)).toBe("a OR b");
});

test("a snippet loses its first ellipsis and keeps its marks", () => {
  expect(trimmed({ text: "… the merger", marks: [[6, 12]] })).toEqual({
    text: "the merger",
    marks: [[4, 10]],
  });
});

test("a snippet begins a few words before its first mark", () => {
  const begun = (text: string) => {
    const at = text.indexOf("merger");
    const { text: cut, marks } = trimmed({ text, marks: [[at, at + 6]] });
    expect(cut.slice(marks[0]?.[0], marks[0]?.[1])).toBe("merger");
    return cut;
  };
  expect(begun("Bob, minutes attached below. Decided: the merger talks stay")).toBe(
    "… Decided: the merger talks stay",
  );
  expect(begun("The merger talks stay")).toBe("The merger talks stay");
  expect(begun("On Monday Sofia wrote: >>> Sofia, >>> the merger is off")).toBe(
    "… Sofia, >>> the merger is off",
  );
  expect(begun("On Monday Sofia wrote: > > > > the merger is off")).toBe("… the merger is off");
  expect(begun(`https://acme.test/${"x".repeat(90)}merger`)).toBe(`… ${"x".repeat(18)}merger`);
  expect(trimmed({ text: "…> no mark here", marks: [] }).text).toBe("no mark here");
});

test("the dialect is part of the address, and its operators are not marked", () => {
  expect(bodyOf({ q: "a w/5 b", dialect: "dtsearch" })).toMatchObject({ dialect: "dtsearch" });
  expect(bodyOf({ q: "a" })).toMatchObject({ dialect: "kql" });
  expect(
    wordsOf('apply~ w/5 plan and "term sheet" or merger not w/3 lunch and not oslo', undefined, "dtsearch"),
  ).toEqual(["plan", "term sheet", "merger"]);
});

test("a snippet of several lines is one line, with its marks where they were", () => {
  const { text, marks } = trimmed({ text: "a\r\nplan\tof the merger", marks: [[3, 7]] });
  expect(text).toBe("a  plan of the merger");
  expect(text.slice(...(marks[0] as [number, number]))).toBe("plan");
});
