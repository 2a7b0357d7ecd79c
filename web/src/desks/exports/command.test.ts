import { expect, test } from "vitest";
import { verifyCommand } from "./command";

test("the command can be pasted into a shell as it stands", () => {
  expect(verifyCommand("export-3.zip", "a.test/log+1f+AQ/x=")).toBe(
    "muniment verify-export export-3.zip --key a.test/log+1f+AQ/x=",
  );
  expect(verifyCommand("it's.zip", "k")).toBe("muniment verify-export 'it'\\''s.zip' --key k");
});
