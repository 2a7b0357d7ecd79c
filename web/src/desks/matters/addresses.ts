// Addresses as people paste them: one a line, or with commas, or with names around them.

export function addressesOf(text: string): string[] {
  const found = text
    .split(/[\n,;]+/)
    .map((part) => (/<([^>]*)>/.exec(part)?.[1] ?? part).trim().toLowerCase())
    .filter(Boolean);
  return [...new Set(found)];
}

export const badAddress = (addresses: readonly string[]) =>
  addresses.find((a) => isPattern(a) || (!/^[^\s@]+@[^\s@]+$/.test(a) && !X500.test(a)));

/** Exchange's own names for its people, with the mark that Outlook puts before them. */
const X500 = /^\[?((ex|x500):)?\s*\/o=/;

/** A pattern is nobody's address: each is named in full. */
export const isPattern = (address: string) => /\*|^@/.test(address);
