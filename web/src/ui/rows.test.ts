import { expect, test } from "vitest";
import { CAP, follow, offset, placeAt, range, reveal, spacer } from "./rows";

const ROW = 36;
const VIEW = 720;

test("a short list scrolls one to one", () => {
  const place = follow({ bar: 0, top: 0 }, 100, 1000, ROW, VIEW);
  expect(place).toEqual({ bar: 100, top: 100 });
  expect(spacer(1000, ROW)).toBe(36_000);
  expect(range(place, 1000, ROW, VIEW, 0)).toEqual({ first: 2, last: 23 });
});

test("the spacer never passes what a browser can hold", () => {
  expect(spacer(1_000_000_000, ROW)).toBe(CAP);
});

test("a wheel moves a long list by as much as it moves a short one", () => {
  const place = follow({ bar: 500_000, top: 9_000_000 }, 500_120, 1_000_000, ROW, VIEW);
  expect(place.top).toBe(9_000_120);
});

test("a drag to either end reaches the first and the last row", () => {
  const total = 1_000_000;
  const end = follow({ bar: 0, top: 0 }, CAP - VIEW, total, ROW, VIEW);
  expect(range(end, total, ROW, VIEW, 0).last).toBe(total);
  expect(offset(total - 1, end, ROW) + ROW).toBe(CAP);
  expect(follow(end, 0, total, ROW, VIEW).top).toBe(0);
});

test("any row can be put in view and is drawn inside the spacer", () => {
  const total = 3_000_000;
  for (const index of [0, 466_031, 1_500_000, total - 1]) {
    const place = placeAt(index * ROW, total, ROW, VIEW);
    const { first, last } = range(place, total, ROW, VIEW);
    expect(index >= first && index < last).toBe(true);
    const y = offset(index, place, ROW);
    expect(y >= place.bar - 1 && y + ROW <= place.bar + VIEW + 1).toBe(true);
    expect(reveal(index, place, ROW, VIEW)).toBeNull();
  }
});

test("revealing moves no further than needed", () => {
  const place = { bar: 360, top: 360 };
  expect(reveal(3, place, ROW, VIEW)).toBe(108);
  expect(reveal(30, place, ROW, VIEW)).toBe(31 * ROW - VIEW);
  expect(reveal(12, place, ROW, VIEW)).toBeNull();
});
