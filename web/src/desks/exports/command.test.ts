import { expect, test } from "vitest";
import { bundleName, verifyCommand } from "./command";

test("the command can be pasted into a shell as it stands", () => {
  expect(verifyCommand("export-3.zip", "a.test/log+1f+AQ/x=")).toBe(
    "muniment verify-export export-3.zip --key a.test/log+1f+AQ/x=",
  );
  expect(verifyCommand("it's.zip", "k")).toBe("muniment verify-export 'it'\\''s.zip' --key k");
  expect(verifyCommand("-n.zip", "k")).toBe("muniment verify-export ./-n.zip --key k");
});

test("a bundle is named as the server names its download", () => {
  expect(bundleName({ name: "Letter of 31 March" })).toBe("Letter of 31 March.zip");
  expect(bundleName({ name: "from:alice AND (a/b)" })).toBe("from_alice AND (a_b).zip");
  expect([...bundleName({ name: "x".repeat(400) })].length).toBe(150);
});
