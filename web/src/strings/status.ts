import { count, number } from "../ui/format";
import { families } from "./counts";

export const status = {
  title: "Status",
  sources: "Sources",
  name: "Name",
  address: "Journal address",
  lastSeen: "Last delivery",
  deliveries: "Deliveries",
  unproven: "Unproven",
  unprovenWhy: (n: number) =>
    `${count(n, "delivery", "deliveries")} did not name the organisation that the source must name: somebody else may have sent ${n === 1 ? "it" : "them"}.`,
  unprovenFind: "Search has:unproven",
  damage: "Damaged records",
  damageWhy:
    "A read found them other than they were sealed. Keep the bucket as it is, and put back what was there from a copy. A proof of a message that holds again takes its record off this list.",
  damageMore: (n: number) => `${number(n)} more`,
  record: "Record",
  foundAt: "Found",
  what: "What was found",
  waiting: "nothing yet",
  ago: (t: string) => `${t} ago`,
  sentence: {
    faults: (n: number) => `The last check found ${count(n, "fault")}`,
    noSource: "No source is configured.",
    waiting: (all: number) => `Waiting for the first delivery from ${count(all, "source")}`,
    silent: (n: number, all: number) =>
      all === 1
        ? "The source has been silent for a day or more"
        : `${number(n)} of ${number(all)} sources silent for a day or more`,
    unsent: (n: number, all: number) =>
      `${number(n)} of ${count(all, "source")} ${n === 1 ? "has" : "have"} not sent yet`,
    delivering: (n: number) => (n === 1 ? "The source is delivering" : `All ${number(n)} sources delivering`),
    last: (t: string) => `last message ${t} ago`,
    behind: (n: number, waits?: string) =>
      n === 0
        ? "everything received is searchable"
        : `${count(n, "delivery", "deliveries")} not yet searchable${waits ? `, for up to ${waits}` : ""}`,
    pending: (n: number) => `${count(n, "document")} still being read`,
    published: (n: number) =>
      n === 0 ? "the log is published to its end" : `${count(n, "leaf", "leaves")} not yet published`,
    gaps: (n: number) => (n === 0 ? "no gaps" : `${count(n, "gap")} declared`),
    stamp: "the last time stamp failed",
    mail: "the last checkpoint was not mailed",
    damaged: (n: number) => `${count(n, "record")} damaged. `,
    clocks: "The clocks disagree",
    locks: (done: number, total: number) => `${number(done)} of ${count(total, "object")} locked for longer`,
    enforced: "Write-once is enforced by the bucket.",
    notEnforced: "Write-once is not enforced.",
  },
  archive: "Archive",
  id: "Archive id",
  version: "Version",
  kept: "Kept",
  keptFigure: (d: number, f: number) => `${count(d, "delivery", "deliveries")} · ${families(f)}`,
  bytes: "Received, stored",
  bytesFigure: (a: string, b: string, ratio: string) => `${a} received, ${b} stored (${ratio})`,
  worm: "Write-once",
  enforced: "Enforced",
  notEnforced: "Not enforced",
  index: "Index",
  behind: "Waiting to be indexed",
  oldest: "Oldest waiting",
  pending: "Documents still being read",
  gaps: "Gaps",
  gapsWhy: "Could not be indexed in full; kept and exported all the same.",
  check: "Check of everything",
  checkNone: "none yet",
  checkWhole: "nothing wrong",
  checkFaults: (n: number) =>
    `${count(n, "fault")}; \`muniment verify --last\` on the server names ${n === 1 ? "it" : "them"}`,
  checkUnexplained: "rows of people, matters or holds were changed by nobody’s act; the audit names them",
  checkRunning: (step: string, done: number, total: number) =>
    total > 0 ? `now at ${step}, ${number(done)} of ${number(total)}` : `now at ${step}`,
  jobs: "Jobs",
  jobsFigure: (r: number, q: number) => `${number(r)} running, ${number(q)} waiting`,
  log: "Log",
  leaves: "Leaves",
  published: "Published",
  checkpoint: "Checkpoint",
  checkpointWhy:
    "Keep one outside the archive: with it anyone can check, offline, that nothing before it was changed.",
  save: "Save checkpoint",
  stamp: "Time stamp",
  stampSave: "Save time stamp",
  stampedSave: "Save its checkpoint",
  mail: "Checkpoint by mail",
  outside: (n: number) => `of ${count(n, "leaf", "leaves")},`,
  outsideFailed: (why: string) => `Not since: ${why}`,
  key: "Public key",
  none: "nothing",
  stale: "What follows is as it was at",
};
