import { expect, test } from "vitest";
import { titleOf } from "./title";

test("a title begins with what the page shows and ends with the product", () => {
  expect(titleOf(["heron merger", "Search"])).toBe("heron merger · Search · Muniment");
  expect(titleOf([undefined, "", "Status"])).toBe("Status · Muniment");
  expect(titleOf(["a\u202eb"])).toBe("a⟨RLO⟩b · Muniment");
});
