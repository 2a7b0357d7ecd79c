// Lists of terms as they are written, and the columns of what they find.
import type { Spread } from "../../api/types";

/** Each line is a term; blank ones are none. */
export const listed = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** The years that any of the spreads has. */
export const yearsOf = (spreads: readonly Spread[]): number[] =>
  [...new Set(spreads.flatMap((spread) => spread.years.map(({ year }) => year)))].sort((a, b) => a - b);

export const inYear = (spread: Spread, year: number): number =>
  spread.years.find((it) => it.year === year)?.documents ?? 0;
