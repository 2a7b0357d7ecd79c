import { expect, test } from "vitest";
import { addressesOf, badAddress, isPattern } from "./addresses";

test("addresses are taken as they are pasted", () => {
  expect(addressesOf("Alice Ito <Alice@X.test>; bob@x.test,\n\n bob@x.test ")).toEqual([
    "alice@x.test",
    "bob@x.test",
  ]);
});

test("a name with a comma is no address", () => {
  expect(addressesOf('"Wu, Carol" <carol@x.test>, Ito, Alice <alice@x.test>')).toEqual([
    "carol@x.test",
    "alice@x.test",
  ]);
  expect(addressesOf("alice, bob@x.test")).toEqual(["alice", "bob@x.test"]);
});

test("what is not an address is named", () => {
  expect(badAddress(["a@x", "alice"])).toBe("alice");
  expect(badAddress(["a@x"])).toBeUndefined();
});

test("an X.500 name is an address, in every form that Exchange and Outlook write", () => {
  for (const line of ["/o=Corp/ou=First (X)/cn=Alice", "EX:/o=Corp/cn=Alice", "[EX:/O=Corp/cn=Alice]"])
    expect(badAddress(addressesOf(line))).toBeUndefined();
});

test("an X.500 name may hold commas", () => {
  expect(addressesOf("/o=Corp/ou=Exchange, Admin (X)/cn=Alice, bob@x.test")).toEqual([
    "/o=corp/ou=exchange, admin (x)/cn=alice",
    "bob@x.test",
  ]);
  expect(addressesOf("Ito, Alice <EX:/o=Corp/ou=First; Second/cn=Alice>; EX:/o=Corp/cn=Bob")).toEqual([
    "ex:/o=corp/ou=first; second/cn=alice",
    "ex:/o=corp/cn=bob",
  ]);
});

test("a pattern is not an address", () => {
  expect(badAddress(["a@x", "*@corp.test"])).toBe("*@corp.test");
  expect(isPattern("*@corp.test")).toBe(true);
  expect(isPattern("a@x")).toBe(false);
});
