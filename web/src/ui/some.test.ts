import { expect, test } from "vitest";
import { sift } from "./Some";

test("a list is sifted by letters anywhere in a line, in either case, and blanks around them ask nothing", () => {
  const all = ["Alice Ito alice@a.test", "Bob Lay bob@b.test"];
  const itself = (text: string) => text;
  expect(sift(all, "", itself)).toBe(all);
  expect(sift(all, "  ", itself)).toBe(all);
  expect(sift(all, " ITO ", itself)).toEqual([all[0]]);
  expect(sift(all, "@b.", itself)).toEqual([all[1]]);
  expect(sift(all, "nobody", itself)).toEqual([]);
});
