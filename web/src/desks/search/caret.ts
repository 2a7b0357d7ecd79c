// The query with a line of carets under what is wrong with it.

/** The server counts bytes of UTF-8; the page counts UTF-16 units. */
export function unitsAt(text: string, bytes: number): number {
  let left = bytes;
  let units = 0;
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    const width = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (left < width) break;
    left -= width;
    units += char.length;
  }
  return units;
}

const wide = /\p{Mark}/u;

export function caretLine(text: string, span: readonly number[]): string {
  const from = unitsAt(text, span[0] ?? 0);
  const to = Math.max(unitsAt(text, span[1] ?? 0), from);
  const columns = (part: string) => [...part].filter((char) => !wide.test(char)).length;
  return `${text}\n${" ".repeat(columns(text.slice(0, from)))}${"^".repeat(Math.max(1, columns(text.slice(from, to))))}`;
}
