// Which rows of a long list to draw, and where. Rows have one height, so this is arithmetic.
//
// Browsers cap an element near 16.7 million px (36 px rows would stop at row 466,030). Past `CAP`
// the spacer stays at `CAP` and two positions are kept: where the scroll bar is (`bar`) and where
// the list is (`top`). Small moves (wheel, keys) move both alike; a long drag places `top` in
// proportion; the two ends always meet.

export const CAP = 8_000_000;

export interface Place {
  bar: number;
  top: number;
}

export const spacer = (total: number, row: number) => Math.min(total * row, CAP);

/** The list's position after the scroll bar moved to `bar`. */
export function follow(place: Place, bar: number, total: number, row: number, view: number): Place {
  const full = total * row;
  if (full <= CAP) return { bar, top: bar };
  const last = full - view;
  const barLast = CAP - view;
  if (bar <= 0) return { bar: 0, top: 0 };
  if (bar >= barLast - 1) return { bar, top: last };
  const step = bar - place.bar;
  const top = Math.abs(step) > 2 * view ? (bar / barLast) * last : place.top + step;
  return { bar, top: Math.min(Math.max(top, 0), last) };
}

/** Where the scroll bar belongs when the list is put at `top`. */
export function placeAt(top: number, total: number, row: number, view: number): Place {
  const full = total * row;
  const last = Math.max(0, full - view);
  const at = Math.min(Math.max(top, 0), last);
  if (full <= CAP) return { bar: at, top: at };
  return { bar: Math.round((at / last) * (CAP - view)), top: at };
}

/** The rows to draw, with some beyond each edge. `last` is exclusive. */
export function range(place: Place, total: number, row: number, view: number, beyond = 8) {
  const first = Math.max(0, Math.floor(place.top / row) - beyond);
  const last = Math.min(total, Math.ceil((place.top + view) / row) + beyond);
  return { first, last: Math.max(first, last) };
}

/** A row's offset inside the spacer. */
export const offset = (index: number, place: Place, row: number) => index * row - place.top + place.bar;

/** The list position that brings a row into view with the least movement, or null if it is there. */
export function reveal(index: number, place: Place, row: number, view: number): number | null {
  if (index * row < place.top) return index * row;
  if ((index + 1) * row > place.top + view) return (index + 1) * row - view;
  return null;
}
