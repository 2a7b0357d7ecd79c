import { expect, test } from "vitest";
import type { Status } from "../../api/types";
import { sentence } from "./sentence";

const NOW = Date.parse("2026-03-30T12:00:00Z");
const source = (last_seen: string | null) => ({
  name: "m365",
  address: "a@x",
  last_seen,
  deliveries: 0,
  unproven: 0,
});
const status = (change: Partial<Status>): Status => ({
  archive_id: "",
  version: "",
  worm: { enforced: false, text: "" },
  sources: [],
  deliveries: 0,
  messages: 0,
  bytes_received: 0,
  bytes_stored: 0,
  index: { behind: 0, oldest_waiting: null, pending: 0 },
  log: { size: 4, published: 4, checkpoint: "", key: "" },
  gaps: 0,
  damage: { records: 0, newest: [] },
  jobs: { running: 0, queued: 0 },
  check: { last: null, faults: 0, running: null },
  ...change,
});

test("all is well, in one sentence", () => {
  const { text, mood } = sentence(
    status({ sources: [source("2026-03-30T11:59:56Z"), source("2026-03-30T11:00:00Z")] }),
    NOW,
  );
  expect(text).toBe(
    "All 2 sources delivering; last message 4 s ago; everything received is searchable; the log is published to its end; no gaps.",
  );
  expect(mood).toBe("good");
});

test("a silent source and a lag are said", () => {
  const { text, mood } = sentence(
    status({
      sources: [source("2026-03-30T11:59:56Z"), source(null)],
      index: { behind: 3, oldest_waiting: null, pending: 1 },
    }),
    NOW,
  );
  expect(text).toContain("1 of 2 sources silent for a day or more");
  expect(text).toContain("3 deliveries not yet searchable; 1 document still being read;");
  expect(mood).toBe("hold");
});

test("damage comes first, and nothing is well while there is any", () => {
  const { text, mood } = sentence(
    status({ sources: [source("2026-03-30T11:59:56Z")], damage: { records: 2, newest: [] } }),
    NOW,
  );
  expect(text).toMatch(/^2 records damaged\. The source is delivering; /);
  expect(mood).toBe("bad");
});

test("before the first delivery it waits", () => {
  expect(sentence(status({ sources: [source(null)] }), NOW).text).toContain(
    "Waiting for the first delivery from 1 source",
  );
});
