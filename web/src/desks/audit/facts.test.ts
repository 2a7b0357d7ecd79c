import { expect, test } from "vitest";
import { facts } from "./facts";

test("an act's detail is told name by name, without what is empty", () => {
  const request = {
    format: "eml",
    matter_id: null,
    scope: { search: { query: "", sender: null, date_kind: "sent" } },
    addresses: ["a@x", "b@x"],
    with_attachments: false,
  };
  expect(facts({ job: 1, request })).toEqual([
    ["job", "1"],
    ["request: format", "eml"],
    ["request: scope: search: date kind", "sent"],
    ["request: addresses", "a@x, b@x"],
    ["request: with attachments", "false"],
  ]);
});
