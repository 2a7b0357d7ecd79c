// How numbers, sizes and times are written. Pure; the components in values.tsx show them.

const grouped = new Intl.NumberFormat("en-GB");
export const number = (n: number) => grouped.format(n);

/** "1 message", "1,204 messages". */
export const count = (n: number, one: string, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** 100%, 95.1%. */
export const percent = (n: number) => `${Number.isInteger(n) ? n : n.toFixed(1)}%`;

/** Decimal units as mail programs use them: 512 B, 4.1 kB, 12 MB. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB", "PB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

const parts = (zone: string) =>
  new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "shortOffset",
  });
const made = new Map<string, Intl.DateTimeFormat>();

/** The pieces of an instant in a zone. Months are cut to three letters, whatever the locale data says. */
export function pieces(iso: string, zone: string) {
  let format = made.get(zone);
  if (!format) {
    format = parts(zone);
    made.set(zone, format);
  }
  const piece: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(new Date(iso))) piece[type] = value;
  return { ...piece, month: piece.month?.slice(0, 3) ?? "" } as Record<
    "year" | "month" | "day" | "hour" | "minute" | "second" | "timeZoneName",
    string
  >;
}

/** 14 Jan 2026 09:12 */
export function time(iso: string, zone: string): string {
  const p = pieces(iso, zone);
  return `${p.day} ${p.month} ${p.year} ${p.hour}:${p.minute}`;
}

/** In lists, where the column is narrow: 14 Jan 2026, and the hour when there is room. */
export function day(iso: string, zone: string): string {
  const p = pieces(iso, zone);
  return `${p.day} ${p.month} ${p.year}`;
}

/** To the second, with the zone and the instant as the archive holds it. */
export function timeInFull(iso: string, zone: string): string {
  const p = pieces(iso, zone);
  const where = zone === "UTC" ? zone : `${p.timeZoneName} (${zone})`;
  return `${p.day} ${p.month} ${p.year} ${p.hour}:${p.minute}:${p.second} ${where} · ${iso}`;
}

/** A zone as a column's heading has room for it: "Berlin", "New York", "UTC". */
export const place = (zone: string) => (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");

/** A plain date as the server takes it, 2026-01-14, in words. */
export function date(ymd: string): string {
  return day(`${ymd}T12:00:00Z`, "UTC");
}

/** Plain days that can't be first and last. */
export const isReversed = (from: string | undefined, until: string | undefined) =>
  from !== undefined && until !== undefined && from > until;

/** "4 s", "12 min", "3 h", "9 days": how long ago, coarse. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return count(Math.round(s / 86400), "day");
}

export const elapsed = (ms: number) =>
  ms < 1000 ? `${(Math.max(ms, 1) / 1000).toFixed(3)} s` : `${(ms / 1000).toFixed(1)} s`;

/** What the server says in the middle of a line, as the beginning of one. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The same as a sentence of its own. */
export const sentence = (text: string) => `${capital(text)}${/[.?!…]$/.test(text) ? "" : "."}`;

/** Cuts a text into plain and marked stretches. Ranges count UTF-16 units; bad ones are ignored. */
export function stretches(
  text: string,
  marks: readonly (readonly number[])[],
): { text: string; marked: boolean }[] {
  const out: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [from = 0, to = 0] of [...marks].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0))) {
    if (from < at || to <= from || to > text.length) continue;
    if (from > at) out.push({ text: text.slice(at, from), marked: false });
    out.push({ text: text.slice(from, to), marked: true });
    at = to;
  }
  if (at < text.length) out.push({ text: text.slice(at), marked: false });
  return out;
}

/** Where whole words stand in a text, without regard to case; at most `limit` of them. */
export function findWords(text: string, words: readonly string[], limit = 2000): [number, number][] {
  const wanted = [...new Set(words.map((w) => w.trim()).filter((w) => w.length > 1))];
  if (!wanted.length) return [];
  const escaped = wanted.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  const found: [number, number][] = [];
  for (const match of text.matchAll(pattern)) {
    found.push([match.index, match.index + match[0].length]);
    if (found.length >= limit) break;
  }
  return found;
}
