import { expect, test } from "vitest";
import { bodyOf, filtersOn, trimmed, wordsOf } from "./state";

test("an address says one search, and a date says which date", () => {
  expect(bodyOf({ matter: 3, q: "a", from: "2026-01-01" })).toMatchObject({
    matter_id: 3,
    query: "a",
    date_kind: "sent",
  });
  expect(bodyOf({})).toMatchObject({ matter_id: null, query: "", date_kind: "sent" });
  expect(filtersOn({ from: "2026-01-01", until: "2026-02-01", sender: "a@x" })).toBe(2);
});

test("marks are the words that are asked for, not the operators, the addresses or what is excluded", () => {
  expect(
    wordsOf('(merger OR "term sheet") AND from:alice NOT lunch -oslo subject:budget', undefined),
  ).toEqual(["merger", "term sheet", "budget"]);
});

test("what the snippet marked comes first, each once", () => {
  expect(wordsOf("merg* plan", { text: "the mergers plan", marks: [[4, 11]] })).toEqual(["mergers", "plan"]);
});

test("a snippet loses its first ellipsis and keeps its marks", () => {
  expect(trimmed({ text: "… the merger", marks: [[6, 12]] })).toEqual({
    text: "the merger",
    marks: [[4, 10]],
  });
});

test("a snippet begins where its first mark still shows on a short line", () => {
  const text = "Bob, minutes attached below. Decided: the merger talks stay";
  const { text: cut, marks } = trimmed({ text, marks: [[42, 48]] });
  expect(cut).toBe("… below. Decided: the merger talks stay");
  expect(cut.slice(marks[0]?.[0], marks[0]?.[1])).toBe("merger");
});
