import { expect, test } from "vitest";
import type { FacetField } from "../../api/types";
import { arranged } from "./arranged";

const facet = (field: FacetField, values: Record<string, number>, more = 0) => ({
  field,
  more,
  values: Object.entries(values).map(([value, families]) => ({ value, families })),
});
const never = () => false;

test("an ending and a media type are not beside each other, and none is left out", () => {
  const counts = {
    total_families: 40,
    facets: [
      facet("type", { "image/png": 26, png: 26, "text/plain": 3 }),
      facet("language", { eng: 3, deu: 1 }),
    ],
  };
  const { apart, same } = arranged(counts, never);
  expect(apart.map((it) => [it.field, it.part, it.values.map(({ value }) => value)])).toEqual([
    ["type", "", ["png"]],
    ["language", "", ["eng", "deu"]],
    ["type", "media", ["image/png", "text/plain"]],
  ]);
  expect(same).toEqual([]);
});

test("what every hit has is said once, unless it is asked for or there is more", () => {
  const counts = {
    total_families: 4,
    facets: [
      facet("source", { exchange: 4 }),
      facet("class", { default: 3 }),
      facet("domain", { "a.test": 4 }, 1),
      facet("sender", { "a@a.test": 4 }),
    ],
  };
  const { apart, same } = arranged(counts, (field) => field === "sender");
  expect(same).toEqual([{ field: "source", part: "", value: "exchange" }]);
  expect(apart.map((it) => it.field)).toEqual(["class", "domain", "sender"]);
  expect(arranged(undefined, never)).toEqual({ apart: [], same: [] });
});
