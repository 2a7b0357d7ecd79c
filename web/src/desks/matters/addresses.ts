// Addresses as people paste them: one a line, or with commas, or with names around them.

export function addressesOf(text: string): string[] {
  // In `"Wu, Carol" <carol@corp.test>` what is quoted is a name, and names are not compared.
  const parts = text.replace(/"[^"\n]*"(?=\s*<)/g, "").split(/\n|[,;]/);
  const found = parts
    // `Wu, Carol <carol@corp.test>` is one person.
    .filter((part, at) => !(isSurname(part) && /\S\s*<[^>]*@/.test(parts[at + 1] ?? "")))
    .map((part) => (/<([^>]*)>/.exec(part)?.[1] ?? part).trim().toLowerCase())
    .filter(Boolean);
  return [...new Set(found)];
}

const isSurname = (part: string) => /^\s*[^\s@<>/]+\s*$/.test(part);

export const badAddress = (addresses: readonly string[]) =>
  addresses.find((a) => isPattern(a) || (!/^[^\s@]+@[^\s@]+$/.test(a) && !X500.test(a)));

/** Exchange's own names for its people, with the mark that Outlook puts before them. */
const X500 = /^\[?((ex|x500):)?\s*\/o=/;

/** A pattern is nobody's address: each is named in full. */
export const isPattern = (address: string) => /\*|^@/.test(address);
