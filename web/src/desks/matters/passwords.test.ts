import { expect, test } from "vitest";
import { BYTES_MAX, passwordsOf, tooLong } from "./passwords";

test("a password is its line, with its blanks, and is taken once", () => {
  expect(passwordsOf("heron\r\n crane \n\nheron\n;,")).toEqual(["heron", " crane ", ";,"]);
  expect(passwordsOf("\n\n")).toEqual([]);
});

test("the line that is too long is named, by bytes and not by letters", () => {
  expect(tooLong(`heron\n${"é".repeat(BYTES_MAX / 2)}`)).toBeUndefined();
  expect(tooLong(`heron\n\n${"é".repeat(BYTES_MAX / 2)}x`)).toBe(3);
});
