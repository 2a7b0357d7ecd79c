// The query with a line of carets under what is wrong with it. Spans count UTF-16 units, as the page does.

const COMBINES = /\p{Mark}/u;
const columns = (part: string) => [...part].filter((char) => !COMBINES.test(char)).length;

export function caretLine(text: string, [from = 0, to = 0]: readonly number[]): string {
  const under = columns(text.slice(from, Math.max(to, from)));
  return `${text}\n${" ".repeat(columns(text.slice(0, from)))}${"^".repeat(Math.max(1, under))}`;
}
