import { expect, test } from "vitest";
import { inYear, listed, yearsOf } from "./terms";

const spread = (years: [number, number][]) => ({
  hits: { documents: 0, families: 0 },
  with_family: 0,
  years: years.map(([year, documents]) => ({ year, documents })),
  undated: 0,
  by_custodian: [],
});

test("each line is a term, and blank ones are none", () => {
  expect(listed("  merger w/5 plan \r\n\n budget*\n ")).toEqual(["merger w/5 plan", "budget*"]);
  expect(listed("")).toEqual([]);
});

test("years are those of any list, in order", () => {
  const [one, other] = [spread([[2002, 3]]), spread([[1999, 1]])];
  expect(yearsOf([one, other, one])).toEqual([1999, 2002]);
  expect([inYear(one, 2002), inYear(one, 1999)]).toEqual([3, 0]);
});
