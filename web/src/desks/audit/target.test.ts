import { expect, test } from "vitest";
import type { AuditRow } from "../../api/types";
import { target } from "./target";

const row = (action: string, matter_id: number | null, detail: object, subject = ""): AuditRow => ({
  id: 1,
  at: "2026-01-14T09:12:00Z",
  actor: "mila",
  action,
  matter_id,
  subject,
  detail: detail as AuditRow["detail"],
  outcome: "done",
});

test("an act leads to what it was done to", () => {
  expect(target(row("message.view", 2, { set: 3997 }))).toEqual({
    to: "/search",
    search: { matter: 2, m: 3997 },
  });
  expect(target(row("search.run", null, {}, "heron AND merger"))).toEqual({
    to: "/search",
    search: { q: "heron AND merger" },
  });
  expect(target(row("export.download", 2, { job: 7 }))).toEqual({ to: "/exports", search: { id: 7 } });
  expect(target(row("hold.place", 2, { hold: 5 }))).toEqual({
    to: "/matters/$id/holds/$hid",
    params: { id: "2", hid: "5" },
  });
  const matter = { to: "/matters/$id", params: { id: "2" } };
  expect(target(row("hold.preview", 2, {}))).toEqual(matter);
  expect(target(row("custodian.add", 2, { custodian: 9 }))).toEqual(matter);
});

test("what has no place leads nowhere", () => {
  expect(target(row("session.begin", null, {}, "mila"))).toBeUndefined();
  expect(target(row("person.create", null, {}, "noor"))).toBeUndefined();
  expect(target(row("message.view", 2, { set: null }))).toBeUndefined();
});
