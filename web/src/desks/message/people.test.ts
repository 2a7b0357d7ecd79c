import { expect, test } from "vitest";
import type { Participant } from "../../api/types";
import { blind, envelopeOf, fold, inRole } from "./people";

const one = (
  address: string,
  role: string,
  source: "header" | "envelope",
  delivery: number | null = null,
  via?: string,
): Participant => ({
  address,
  name: "",
  role,
  source,
  delivery,
  via: via ?? null,
});

test("an envelope recipient whom no header names is blind, and says which delivery told", () => {
  const people = fold([
    one("a@x", "from", "header"),
    one("b@x", "to", "header"),
    one("b@x", "recipient", "envelope", 3),
    one("c@x", "recipient", "envelope", 3),
  ]);
  expect(blind(people).map((p) => p.address)).toEqual(["c@x"]);
  expect(blind(people).map(envelopeOf)).toEqual([3]);
});

test("a typed Bcc is blind", () => {
  expect(blind(fold([one("c@x", "Bcc", "envelope", 1)])).length).toBe(1);
});

test("who came through a list is not blind", () => {
  expect(blind(fold([one("list@x", "to", "header"), one("c@x", "to", "envelope", 1, "list@x")]))).toEqual([]);
});

test("one address is one person in every case of its letters; the sender's envelope line makes nobody blind", () => {
  const people = fold([
    one("A@x", "from", "header"),
    one("a@X", "sender", "envelope", 1),
    one("B@x", "cc", "header"),
    one("b@x", "cc", "envelope", 1),
  ]);
  expect(people.length).toBe(2);
  expect(blind(people)).toEqual([]);
  expect(inRole(people, "cc").map((p) => p.address)).toEqual(["B@x"]);
});
