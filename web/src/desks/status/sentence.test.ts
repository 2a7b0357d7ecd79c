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
  families: 0,
  bytes_received: 0,
  bytes_stored: 0,
  index: { behind: 0, oldest_waiting: null, pending: 0 },
  log: { size: 4, published: 4, checkpoint: "", key: "", stamps: null, mail: null },
  gaps: 0,
  damage: { records: 0, newest: [] },
  jobs: { running: 0, queued: 0 },
  check: { last: null, faults: 0, unexplained: 0, running: null },
  clocks: { agree: true, text: "", bucket_ahead_seconds: null, log_ahead_seconds: 0 },
  confinement: { complete: true, text: "" },
  locks: { done: 0, total: 0, parts: 0, text: "" },
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
      sources: [source("2026-03-30T11:59:56Z"), source("2026-03-28T11:59:56Z")],
      index: { behind: 3, oldest_waiting: null, pending: 1 },
    }),
    NOW,
  );
  expect(text).toContain("1 of 2 sources silent for a day or more");
  expect(text).toContain("3 deliveries not yet searchable; 1 document still being read;");
  expect(mood).toBe("hold");
});

test("mail that has waited long to be found is worth a look", () => {
  const waiting = (oldest_waiting: string) =>
    sentence(
      status({
        sources: [source("2026-03-30T11:59:56Z")],
        index: { behind: 3, oldest_waiting, pending: 0 },
      }),
      NOW,
    );
  expect(waiting("2026-03-30T11:59:30Z").mood).toBe("good");
  const long = waiting("2026-03-30T11:50:00Z");
  expect(long.mood).toBe("hold");
  expect(long.text).toContain("3 deliveries not yet searchable, for up to 10 min;");
});

test("what did not go outside is said", () => {
  const failed = { size: 4, done_at: "2026-03-29T11:59:56Z", error: "it answered 503" };
  const { text, mood } = sentence(
    status({
      sources: [source("2026-03-30T11:59:56Z")],
      log: { size: 4, published: 4, checkpoint: "", key: "", stamps: failed, mail: failed },
    }),
    NOW,
  );
  expect(text).toContain("; the last time stamp failed; the last checkpoint was not mailed.");
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

test("a source that has never sent is not silent", () => {
  const { text, mood } = sentence(
    status({ sources: [source("2026-03-30T11:59:56Z"), source(null), source("2026-03-28T11:00:00Z")] }),
    NOW,
  );
  expect(text).toMatch(/^1 of 3 sources silent for a day or more; 1 of 3 sources has not sent yet; last/);
  expect(mood).toBe("hold");
  expect(sentence(status({ sources: [source("2026-03-28T11:00:00Z")] }), NOW)).toMatchObject({ mood: "bad" });
});

test("before the first delivery it waits", () => {
  expect(sentence(status({ sources: [source(null)] }), NOW).text).toContain(
    "Waiting for the first delivery from 1 source",
  );
});

test("clocks that disagree come first, and locks that are to be longer are counted", () => {
  const clocks = { agree: false, text: "", bucket_ahead_seconds: 86400, log_ahead_seconds: 0 };
  const { text, mood } = sentence(status({ sources: [source("2026-03-30T11:59:56Z")], clocks }), NOW);
  expect(text).toMatch(/^The clocks disagree; The source is delivering; /);
  expect(mood).toBe("bad");
  const locks = { done: 3, total: 12, parts: 2, text: "" };
  const longer = sentence(status({ sources: [source("2026-03-30T11:59:56Z")], locks }), NOW);
  expect(longer.text).toContain("; 3 of 12 objects locked for longer.");
  expect(longer.mood).toBe("good");
});
