// Passwords as people paste them: one a line, each exactly as it is.

/** Of one password; what is longer is refused. */
export const BYTES_MAX = 512;

const linesOf = (text: string) => text.split(/\r\n|\r|\n/);

/** Each once, in their order. A blank can be part of a password; a line without any letter of one is none. */
export const passwordsOf = (text: string): string[] => [
  ...new Set(linesOf(text).filter((line) => line.length > 0)),
];

/** The first line that is too long, counted from one. */
export function tooLong(text: string): number | undefined {
  const at = linesOf(text).findIndex((line) => new TextEncoder().encode(line).length > BYTES_MAX);
  return at < 0 ? undefined : at + 1;
}
