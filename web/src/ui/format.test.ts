import { describe, expect, test } from "vitest";
import {
  count,
  date,
  elapsed,
  findWords,
  isReversed,
  percent,
  place,
  sentence,
  size,
  span,
  stretches,
  time,
  timeInFull,
} from "./format";

test("counts are grouped and name their unit", () => {
  expect(count(1, "message")).toBe("1 message");
  expect(count(1204, "family", "families")).toBe("1,204 families");
});

test("sizes use decimal units and two figures at least", () => {
  expect([0, 999, 1000, 4096, 12_345_678, 999_600, 209_715_200].map(size)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "4.1 kB",
    "12 MB",
    "1.0 MB",
    "210 MB",
  ]);
});

test("times are written in the zone that is asked for", () => {
  expect(time("2026-01-14T08:12:33Z", "Europe/Berlin")).toBe("14 Jan 2026 09:12");
  expect(time("2026-09-01T00:00:00Z", "UTC")).toBe("1 Sep 2026 00:00");
  expect(timeInFull("2026-01-14T08:12:33Z", "UTC")).toBe("14 Jan 2026 08:12:33 UTC · 2026-01-14T08:12:33Z");
  expect(timeInFull("2026-01-14T08:12:33Z", "Europe/Berlin")).toMatch(/09:12:33 \S+ \(Europe\/Berlin\)/);
  expect(date("2026-03-31")).toBe("31 Mar 2026");
});

test("spans are coarse", () => {
  expect([400, 59_000, 120_000, 7_200_000, 200_000_000].map(span)).toEqual([
    "0 s",
    "59 s",
    "2 min",
    "2 h",
    "2 days",
  ]);
  expect(elapsed(41)).toBe("0.041 s");
  expect(elapsed(0)).toBe("0.001 s");
  expect(elapsed(1540)).toBe("1.5 s");
});

describe("marks", () => {
  test("cut the text and lose none of it", () => {
    const cut = stretches("the merger with Acme", [
      [16, 20],
      [4, 10],
    ]);
    expect(cut.filter((c) => c.marked).map((c) => c.text)).toEqual(["merger", "Acme"]);
    expect(cut.map((c) => c.text).join("")).toBe("the merger with Acme");
  });
  test("out of range or overlapping are ignored", () => {
    expect(
      stretches("abc", [
        [0, 9],
        [2, 1],
      ]),
    ).toEqual([{ text: "abc", marked: false }]);
    expect(stretches("", [])).toEqual([]);
  });
  test("words are found whole, in any case, and their signs are literal", () => {
    expect(findWords("Merger, mergers; MERGER", ["merger"])).toEqual([
      [0, 6],
      [17, 23],
    ]);
    expect(findWords("a+b and aab", ["a+b"])).toEqual([[0, 3]]);
    expect(findWords("anything", ["", "x"])).toEqual([]);
  });
});

test("what the server says becomes a sentence", () => {
  expect(sentence("limit: write 1 to 500")).toBe("Limit: write 1 to 500.");
  expect(sentence("did you mean from: ?")).toBe("Did you mean from: ?");
  expect(sentence("The archive can't be reached.")).toBe("The archive can't be reached.");
});

test("a zone is named by its place", () => {
  expect(["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC"].map(place)).toEqual([
    "Berlin",
    "Buenos Aires",
    "UTC",
  ]);
});

test("days are reversed only if both are there", () => {
  expect(isReversed("2026-06-01", "2026-01-01")).toBe(true);
  expect(isReversed("2026-01-01", "2026-01-01")).toBe(false);
  expect(isReversed(undefined, "2026-01-01")).toBe(false);
});

test("a share has a digit behind its point only where it is needed", () => {
  expect([100, 95.1, 80].map(percent)).toEqual(["100%", "95.1%", "80%"]);
});
