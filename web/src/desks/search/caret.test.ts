import { expect, test } from "vitest";
import { caretLine, unitsAt } from "./caret";

test("the caret stands under what is wrong", () => {
  expect(caretLine("from:alice AND (budget", [15, 16])).toBe("from:alice AND (budget\n               ^");
});

test("spans count bytes, columns count what is seen", () => {
  expect(caretLine("für (x", [5, 6])).toBe("für (x\n    ^");
  expect(unitsAt("a😀b", 5)).toBe(3);
});

test("a span at the end still has its caret", () => {
  expect(caretLine("a AND", [5, 5])).toBe("a AND\n     ^");
});
