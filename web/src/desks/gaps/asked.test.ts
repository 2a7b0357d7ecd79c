import { expect, test } from "vitest";
import { choosable, chosen, isNarrowed, queryOf } from "./asked";

const found = {
  counts: [
    { reason: "encrypted", media_type: "application/zip", gaps: 3 },
    { reason: "no-text", media_type: "application/zip", gaps: 4 },
    { reason: "no-text", media_type: "image/png", gaps: 9 },
  ],
  sources: [{ source: "exchange", gaps: 16 }],
  custodians: [{ id: 7, name: "Alice Ito", gaps: 5 }],
};

test("gaps are counted by reason and by type, the most first", () => {
  expect(choosable(found, {}, "reason").map(({ value, gaps }) => [value, gaps])).toEqual([
    ["no-text", 13],
    ["encrypted", 3],
  ]);
  expect(choosable(found, {}, "media_type").map(({ value, gaps }) => [value, gaps])).toEqual([
    ["image/png", 9],
    ["application/zip", 7],
  ]);
  expect(choosable(found, {}, "custodian")).toEqual([{ value: "7", name: "Alice Ito", gaps: 5 }]);
});

test("a reason is counted beside the type that is chosen, and so is every other reason", () => {
  const asked = { media_type: "application/zip", reason: "encrypted" };
  expect(choosable(found, asked, "reason").map(({ value, gaps }) => [value, gaps])).toEqual([
    ["no-text", 4],
    ["encrypted", 3],
  ]);
  expect(choosable(found, asked, "media_type").map(({ value, gaps }) => [value, gaps])).toEqual([
    ["application/zip", 3],
  ]);
});

test("what is chosen is there to be given up, even where nothing is of it any more", () => {
  expect(choosable(found, { source: "gone" }, "source").at(-1)).toEqual({
    value: "gone",
    name: "gone",
    gaps: 0,
  });
});

test("a value is chosen, exchanged, and given up", () => {
  expect(chosen({ matter: 2 }, "custodian", "7")).toEqual({ matter: 2, custodian: 7 });
  expect(chosen({ matter: 2, reason: "no-text" }, "reason", "encrypted")).toEqual({
    matter: 2,
    reason: "encrypted",
  });
  expect(chosen({ matter: 2, custodian: 7 }, "custodian", "7")).toEqual({ matter: 2 });
  expect(isNarrowed({ matter: 2 })).toBe(false);
  expect(isNarrowed({ matter: 2, custodian: 7 })).toBe(true);
});

test("a search asks for what they are in, where it can", () => {
  expect(queryOf({ reason: "no-text", media_type: "image/png" })).toBe('gap:no-text AND type:"image/png"');
  expect(queryOf({ source: "exchange" })).toBeUndefined();
});
