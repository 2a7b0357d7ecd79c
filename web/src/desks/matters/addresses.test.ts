import { expect, test } from "vitest";
import { addressesOf, badAddress } from "./addresses";

test("addresses are taken as they are pasted", () => {
  expect(addressesOf("Alice Ito <Alice@X.test>; bob@x.test,\n\n bob@x.test ")).toEqual([
    "alice@x.test",
    "bob@x.test",
  ]);
});

test("what is not an address is named", () => {
  expect(badAddress(["a@x", "alice"])).toBe("alice");
  expect(badAddress(["a@x"])).toBeUndefined();
});
