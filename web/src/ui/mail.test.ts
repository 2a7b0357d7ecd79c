import { expect, test } from "vitest";
import { cut, mailbox, parts, plain, shortly } from "./mail";

test("what turns text around is shown, and no longer turns", () => {
  expect(parts("ann\u202efdp.exe")).toEqual([
    { text: "ann" },
    { text: "⟨RLO⟩", code: "U+202E" },
    { text: "fdp.exe" },
  ]);
  expect(plain("\u2067a\u2069\u202a\u202c")).toBe("⟨RLI⟩a⟨PDI⟩⟨LRE⟩⟨PDF⟩");
});

test("controls are shown by their code points; white space, marks of scripts and plain text stay", () => {
  expect(plain("bell\u0007 \u0085")).toBe("bell⟨U+0007⟩ ⟨U+0085⟩");
  for (const text of ["a\tb\r\nc", "שלום\u200f!", "می\u200cخواهم", "👩\u200d👧", ""]) {
    expect(plain(text)).toBe(text);
    expect(parts(text)).toEqual([{ text }]);
  }
});

test("a sender is shown by name, unless the name could be taken for an address", () => {
  const shown = [
    "Helen Marsh <helen.marsh@larkfield.example>",
    '"helen.marsh@larkfield.example" <evil@attacker.example>',
    "helen.marsh@larkfield.example <evil@attacker.example>",
    "Helen <helen.marsh@larkfield.example> <evil@attacker.example>",
    "Helen (helen＠larkfield.example) <evil@attacker.example>",
    "evil@attacker.example",
    "<evil@attacker.example>",
    "Helen Marsh",
    "",
  ].map(shortly);
  expect(shown).toEqual(["Helen Marsh", ...Array(6).fill("evil@attacker.example"), "Helen Marsh", ""]);
  expect(mailbox('"Marsh, Helen" <h@x>')).toEqual({ name: "Marsh, Helen", address: "h@x" });
});

test("a long text is cut to its beginning, and never within a character", () => {
  expect(cut("short", 5)).toBe("short");
  expect(cut("longer", 5)).toBe("longe…");
  expect(cut("abc😀def", 4)).toBe("abc…");
  expect(cut("abc😀def", 5)).toBe("abc😀…");
  expect(cut("x".repeat(8_000_000), 300)).toHaveLength(301);
});
