// Which months of which class there are, and how each of them stands. Pure.
import type { Disposition, Epoch } from "../../api/types";

/** `kept` until its date, `passed` after it; `open` while two people decide; then `destroying`, and `gone`. */
export type Standing = "kept" | "passed" | "open" | "destroying" | "gone";

export interface Cell {
  class: string;
  epoch: string;
  standing: Standing;
  /** None of a month that is gone whole. */
  of: Epoch | undefined;
}

export interface Year {
  year: number;
  /** January to December; none where no mail of the month was ever here. */
  months: (Cell | undefined)[];
}

export interface ClassRow {
  name: string;
  years: Year[];
}

const isOver = (d: Disposition) => d.state === "done";

function standing(epoch: Epoch, open: Disposition | undefined): Standing {
  if (open?.state === "approved" || open?.state === "destroying") return "destroying";
  if (open?.state === "proposed") return "open";
  return epoch.is_due ? "passed" : "kept";
}

/** Every class by name, with its years from the first month to the last. */
export function calendar(epochs: readonly Epoch[], dispositions: readonly Disposition[]): ClassRow[] {
  const cells = new Map<string, Map<string, Cell>>();
  const put = (cell: Cell) => {
    const months = cells.get(cell.class) ?? new Map<string, Cell>();
    if (!months.has(cell.epoch)) months.set(cell.epoch, cell);
    cells.set(cell.class, months);
  };
  const byId = new Map(dispositions.map((d) => [d.id, d]));
  for (const epoch of epochs) {
    const open = epoch.disposition_id === null ? undefined : byId.get(epoch.disposition_id);
    put({ class: epoch.class, epoch: epoch.epoch, standing: standing(epoch, open), of: epoch });
  }
  // What holds kept of a month is an epoch still, and was put above.
  for (const d of dispositions.filter(isOver))
    put({ class: d.class, epoch: d.epoch, standing: "gone", of: undefined });
  return [...cells]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, months]) => ({ name, years: years(months) }));
}

function years(months: ReadonlyMap<string, Cell>): Year[] {
  const all = [...months.keys()].map((epoch) => Number(epoch.slice(0, 4)));
  const [first, last] = [Math.min(...all), Math.max(...all)];
  return Array.from({ length: last - first + 1 }, (_, at) => first + at).map((year) => ({
    year,
    months: Array.from({ length: 12 }, (_, at) =>
      months.get(`${String(year).padStart(4, "0")}-${String(at + 1).padStart(2, "0")}`),
    ),
  }));
}

/** What is decided of a month: the proposal that is open on it, else the last that ended. */
export const lastOf = (cell: { class: string; epoch: string }, dispositions: readonly Disposition[]) =>
  dispositions
    .filter((d) => d.class === cell.class && d.epoch === cell.epoch)
    .reduce<Disposition | undefined>((last, d) => (last && last.id > d.id ? last : d), undefined);
