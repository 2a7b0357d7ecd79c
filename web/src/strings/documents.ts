import { count, number } from "../ui/format";
import { messages } from "./counts";

export const gaps = {
  title: "Gaps",
  why: "Documents that could not be indexed in full: a search may miss words in them. They are kept, held and exported all the same.",
  of: (name: string) => `Gaps of ${name}`,
  whole: "Gaps of the whole archive",
  none: "No gaps",
  noneWhy: "All that was received here is indexed in full.",
  noneFit: "No gap fits",
  noneFitWhy: "None has all that is chosen. Take something out, or look at all of them.",
  all: "All gaps",
  documents: (n: number) => count(n, "gap"),
  document: "Document",
  reason: "Why",
  source: "Source",
  custodian: "Custodian",
  type: "Type",
  record: "Record",
  message: "Message",
  open: "Open",
  noMessage: "none",
  more: "Show more",
  counts: "Counts of gaps",
  countsHide: "Hide counts",
  countsShow: "Show counts",
  outdated: "A reading has ended since this list was made.",
  renew: "Show it as it is now",
  unit: (n: number) => (n === 1 ? " gap" : " gaps"),
  widest: "A count narrows this list",
  untyped: "type not known",
  search: "Find in search",
  searchWhy: "The messages that they are in, to be held or exported",
  download: "Download as CSV",
};

export const retries = {
  title: "Readings",
  why: "Reading again helps after an upgrade, with OCR turned on, or with a password that became known.",
  ask: "Read again",
  askTitle: (n: number) => `Read ${count(n, "gap")} again`,
  askWhy:
    "What the messages say now is read once more, behind what has just arrived. A gap goes when its document can be read; otherwise it stays as it is, and nothing is lost by trying.",
  passwords: (n: number) =>
    n === 0
      ? "No password is known in this matter. Encrypted documents stay closed."
      : `Encrypted documents are tried with ${count(n, "password")} of this matter, and with those of other open matters.`,
  act: (n: number) => `Read ${count(n, "gap")} again`,
  everything: "All of them",
  of: "Which gaps",
  state: "State",
  asked: "Asked for",
  by: "By",
  states: {
    queued: "Waiting",
    running: "Reading",
    done: "Done",
    failed: "Failed",
    cancelled: "Cancelled",
  } as Record<string, string>,
  result: "Gaps",
  closed: (before: number, after: number) =>
    after < before
      ? `${number(before - after)} of ${number(before)} closed`
      : after > before
        ? `${number(before)}, now ${number(after)}`
        : `${number(before)}, none closed`,
  messages: (n: number) => `${messages(n)} read`,
  cancel: (what: string) => `Cancel the reading of ${what}`,
  cancelTitle: "Cancel the reading",
  cancelAct: "Cancel the reading",
  cancelWhy: "What waits in line already is read all the same; the rest stays as it is.",
  more: (n: number) => `Show ${number(n)} earlier`,
};

export const passwords = {
  title: "Document passwords",
  why: "Each encrypted document is tried with all of them.",
  add: "Add passwords",
  lines: "Passwords",
  linesHint: "One a line, as it is: blanks at its beginning or end are part of it. Empty lines are left out.",
  once: "They are kept sealed. Nobody is shown one again, and no log or audit has it.",
  act: (n: number) => (n === 0 ? "Add passwords" : `Add ${count(n, "password")}`),
  tooLong: (line: number, most: number) => `Line ${number(line)} is longer than ${number(most)} bytes.`,
  part: (added: number, left: number) =>
    `${count(added, "password")} ${added === 1 ? "is" : "are"} added. ${number(left)} ${left === 1 ? "is" : "are"} not, and ${left === 1 ? "is" : "are"} still above.`,
  none: "No passwords",
  noneWhy: "Encrypted documents stay gaps until a password opens them.",
  name: (id: number) => `Password ${number(id)}`,
  added: "added",
  remove: (id: number) => `Remove password ${number(id)}`,
  removeWhy:
    "Documents are no longer tried with it. What it has opened stays searchable until it is read again.",
  again: "Read encrypted documents again",
  gaps: "Gaps of this matter",
};
