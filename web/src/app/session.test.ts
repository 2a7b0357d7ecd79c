import { afterEach, expect, test } from "vitest";
import type { Me } from "../api/types";
import { q, queryClient } from "./queries";
import { enter, isAnother, leave, watchSession } from "./session";

const person = (name: string): Me => ({
  name,
  display_name: name,
  role: "legal",
  is_archive_wide: false,
  must_change: false,
  csrf: name,
});
const keep = () =>
  queryClient.setQueryData(["message", 7, null, undefined], { text: "of the former person" });
const kept = () =>
  queryClient
    .getQueryCache()
    .getAll()
    .map((query) => query.queryKey[0])
    .filter((name) => name !== "session");

watchSession();
afterEach(() => queryClient.clear());

test("a session that ended keeps nothing", () => {
  enter(person("paula"));
  keep();
  leave();
  expect(kept()).toEqual([]);
  expect(queryClient.getQueryData(q.session.queryKey)).toBeNull();
});

test("who signs in finds nothing that was there", () => {
  keep();
  enter(person("quinn"));
  expect(kept()).toEqual([]);
});

test("another person under the same cookie finds nothing either", () => {
  enter(person("paula"));
  keep();
  const again: Me = { ...person("paula"), csrf: "of a second session" };
  queryClient.setQueryData(q.session.queryKey, again);
  expect(kept()).toEqual(["message"]);
  expect(isAnother(person("quinn"))).toBe(true);
  queryClient.setQueryData(q.session.queryKey, person("quinn"));
  expect(kept()).toEqual([]);
});
