import { expect, test } from "vitest";
import { caretLine } from "./caret";

test("the caret stands under what is wrong", () => {
  expect(caretLine("from:alice AND (budget", [15, 16])).toBe("from:alice AND (budget\n               ^");
  expect(caretLine("frm:alice", [0, 3])).toBe("frm:alice\n^^^");
});

test("columns count what is seen, not code units", () => {
  expect(caretLine("😀 (x", [3, 4])).toBe("😀 (x\n  ^");
});

test("a span at the end still has its caret", () => {
  expect(caretLine("a AND", [5, 5])).toBe("a AND\n     ^");
});
