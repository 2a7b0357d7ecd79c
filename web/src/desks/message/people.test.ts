import { expect, test } from "vitest";
import type { Participant } from "../../api/types";
import { type Entry, fold, linesOf, peopleOf } from "./people";

type How = "expanded" | "forwarded";
const one = (
  address: string,
  role: string,
  delivery: number | null = null,
  via?: [How, string],
): Participant => ({
  address,
  name: "",
  role,
  source: delivery === null ? "header" : "envelope",
  delivery,
  is_proven: delivery === null ? null : true,
  via: via ? { how: via[0], address: via[1] } : null,
});

const shown = (entries: Entry[]) =>
  entries.map(({ person, via }) => (via ? `${person.address} ${via.how} ${via.address}` : person.address));
const lines = (...participants: Participant[]) => {
  const found = linesOf(fold(participants));
  return {
    to: shown(found.to),
    cc: shown(found.cc),
    bcc: shown(found.bcc),
    also: shown(found.also),
    told: found.bcc.map((entry) => entry.delivery),
  };
};

test("an envelope recipient whom no header names is blind, and says which delivery told", () => {
  const found = lines(
    one("a@x", "from"),
    one("b@x", "to"),
    one("b@x", "recipient", 3),
    one("c@x", "recipient", 3),
    one("d@x", "recipient", 4),
  );
  expect(found).toMatchObject({ to: ["b@x"], bcc: ["c@x", "d@x"], told: [3, 4] });
});

test("whom an envelope types stands there though a header hides them all, and the blind one is alone", () => {
  const staff = Array.from({ length: 10_000 }, (_, i) => one(`s${i}@x`, "to", 1));
  const found = lines(one("a@x", "from"), ...staff, one("e@x", "cc", 1), one("secret@x", "bcc", 1));
  expect(found.to).toHaveLength(10_000);
  expect(found).toMatchObject({ cc: ["e@x"], bcc: ["secret@x"], also: [] });
});

test("whom only an unproven delivery names is marked, and a proven one is who tells", () => {
  const doubtful = (address: string, delivery: number) => ({
    ...one(address, "bcc", delivery),
    is_proven: false,
  });
  const { bcc } = linesOf(fold([doubtful("c@x", 1), doubtful("d@x", 1), one("c@x", "bcc", 2)]));
  expect(bcc.map(({ person, isDoubtful, delivery }) => [person.address, isDoubtful, delivery])).toEqual([
    ["c@x", false, 2],
    ["d@x", true, 1],
  ]);
});

test("one report may type a recipient whom another only names", () => {
  expect(lines(one("b@x", "recipient", 1), one("b@x", "cc", 2))).toMatchObject({ cc: ["b@x"], bcc: [] });
});

test("a typed Bcc is blind, and one that a header admits is shown once, as the envelope tells it", () => {
  expect(lines(one("c@x", "bcc", 1))).toMatchObject({ bcc: ["c@x"], told: [1] });
  expect(lines(one("c@x", "bcc"))).toMatchObject({ bcc: ["c@x"], told: [null] });
  expect(lines(one("c@x", "bcc"), one("c@x", "bcc", 1))).toMatchObject({ bcc: ["c@x"], told: [1] });
});

test("a list is no blind recipient, and its members are on its line", () => {
  for (const kind of ["to", "recipient"])
    expect(
      lines(
        one("list@x", "cc"),
        one("m1@x", kind, 1, ["expanded", "List@x"]),
        one("m2@x", kind, 1, ["expanded", "List@x"]),
        one("list@x", "expanded", 1),
      ),
    ).toMatchObject({ cc: ["list@x", "m1@x expanded List@x", "m2@x expanded List@x"], bcc: [], also: [] });
});

test("whom a mailbox forwards to is on its line", () => {
  expect(
    lines(one("dave@x", "cc"), one("fwd@y", "cc", 1, ["forwarded", "dave@x"]), one("dave@x", "forwarded", 1)),
  ).toMatchObject({ cc: ["dave@x", "fwd@y forwarded dave@x"], bcc: [] });
});

test("a list that no header shows puts its members where the envelope says, or apart", () => {
  const members = (kind: string) =>
    lines(one("m@x", kind, 1, ["expanded", "secret@x"]), one("secret@x", "expanded", 1));
  const member = "m@x expanded secret@x";
  expect(members("to")).toMatchObject({ to: [member], bcc: [], also: [] });
  expect(members("bcc")).toMatchObject({ to: [], bcc: [member], also: [] });
  expect(members("recipient")).toMatchObject({ to: [], bcc: [], also: [member] });
});

test("who is named and a member too stands there once", () => {
  expect(
    lines(one("list@x", "to"), one("m@x", "to"), one("m@x", "to", 1, ["expanded", "list@x"])),
  ).toMatchObject({ to: ["list@x", "m@x"], bcc: [] });
});

test("who is explained by one report is not blind in another that only names them", () => {
  expect(
    lines(one("list@x", "to"), one("m@x", "recipient", 1), one("m@x", "to", 2, ["expanded", "list@x"])),
  ).toMatchObject({ to: ["list@x", "m@x expanded list@x"], bcc: [] });
});

test("two reports of one message tell the same recipient once", () => {
  expect(
    lines(
      one("list@x", "to"),
      one("m@x", "to", 1, ["expanded", "list@x"]),
      one("m@x", "to", 2, ["expanded", "list@x"]),
    ).to,
  ).toEqual(["list@x", "m@x expanded list@x"]);
});

test("one address is one person in every case of its letters; the sender's envelope line makes nobody blind", () => {
  const found = lines(
    one("A@x", "from"),
    one("a@X", "sender", 1),
    one("o@x", "on-behalf-of", 1),
    one("B@x", "cc"),
    one("b@x", "cc", 1),
  );
  expect(found).toMatchObject({ cc: ["B@x"], bcc: [] });
});

test("who took part is worked out once for a message", () => {
  const participants = [one("a@x.test", "to"), one("b@x.test", "bcc", 5)];
  const both = peopleOf(participants);
  expect(shown(both.lines.bcc)).toEqual(["b@x.test"]);
  expect(both.people).toEqual(fold(participants));
  expect(peopleOf(participants)).toBe(both);
  expect(peopleOf([...participants])).not.toBe(both);
});
