import { expect, test } from "vitest";
import type { Disposition, Epoch } from "../../api/types";
import { calendar, lastOf } from "./calendar";

const epoch = (over: Partial<Epoch>): Epoch => ({
  class: "default",
  epoch: "2018-03",
  segments: 1,
  deliveries: 6,
  bytes_received: 10,
  bytes_stored: 7,
  due_at: "2025-04-01T00:00:00Z",
  is_due: false,
  disposition_id: null,
  ...over,
});
const disposition = (over: Partial<Disposition>): Disposition => ({
  id: 1,
  class: "default",
  epoch: "2018-03",
  due_at: "2025-04-01T00:00:00Z",
  state: "proposed",
  proposed_at: "2026-01-01T00:00:00Z",
  proposed_by: "rita",
  decided_at: null,
  decided_by: null,
  reason: null,
  deliveries: 6,
  segments: 1,
  bytes_received: 10,
  bytes_stored: 7,
  held: 0,
  sample: [],
  stopped: null,
  ended_at: null,
  destroyed: null,
  kept: null,
  ...over,
});
const standings = (epochs: Epoch[], dispositions: Disposition[]) =>
  calendar(epochs, dispositions).flatMap((row) =>
    row.years.flatMap((year) => year.months.flatMap((cell) => (cell ? [[cell.epoch, cell.standing]] : []))),
  );

test("a month stands as its date and what was decided say", () => {
  const due = epoch({ is_due: true });
  expect(standings([epoch({})], [])).toEqual([["2018-03", "kept"]]);
  expect(standings([due], [])).toEqual([["2018-03", "passed"]]);
  const open = epoch({ is_due: true, disposition_id: 1 });
  expect(standings([open], [disposition({})])).toEqual([["2018-03", "open"]]);
  expect(standings([open], [disposition({ state: "approved" })])).toEqual([["2018-03", "destroying"]]);
  expect(standings([open], [disposition({ state: "destroying" })])).toEqual([["2018-03", "destroying"]]);
  expect(standings([due], [disposition({ state: "refused" })])).toEqual([["2018-03", "passed"]]);
});

test("a month that is gone whole stays in its place, one of which something was held is there", () => {
  const done = disposition({ state: "done", destroyed: 6, kept: 0 });
  expect(standings([], [done])).toEqual([["2018-03", "gone"]]);
  expect(standings([epoch({ is_due: true })], [done])).toEqual([["2018-03", "passed"]]);
});

test("years have no hole, and classes follow each other by name", () => {
  const rows = calendar(
    [epoch({ class: "z" }), epoch({ class: "a", epoch: "2024-12" }), epoch({ class: "a", epoch: "2022-01" })],
    [],
  );
  expect(rows.map((row) => row.name)).toEqual(["a", "z"]);
  expect(rows[0]?.years.map((year) => year.year)).toEqual([2022, 2023, 2024]);
  expect(rows[0]?.years.map((year) => year.months.filter(Boolean).length)).toEqual([1, 0, 1]);
});

test("the newest decision on a month counts", () => {
  const first = disposition({ id: 1, state: "refused" });
  const second = disposition({ id: 2 });
  expect(lastOf(epoch({}), [second, first])?.id).toBe(2);
  expect(lastOf(epoch({ epoch: "2018-04" }), [second, first])).toBeUndefined();
});
