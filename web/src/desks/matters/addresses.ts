// Addresses as people paste them: one a line, or with commas, or with names around them.

export function addressesOf(text: string): string[] {
  // In `"Wu, Carol" <carol@corp.test>` what is quoted is a name, and names are not compared.
  const parts = text
    .replace(/"[^"\n]*"(?=\s*<)/g, "")
    .split("\n")
    .flatMap(partsOf);
  const found = parts
    // `Wu, Carol <carol@corp.test>` is one person.
    .filter((part, at) => !(isSurname(part) && isNamed.test(parts[at + 1] ?? "")))
    .map((part) => (/<([^>]*)>/.exec(part)?.[1] ?? part).trim().toLowerCase())
    .filter(Boolean);
  return [...new Set(found)];
}

/** What commas and semicolons separate, but for those within an X.500 name. */
function partsOf(line: string): string[] {
  const [first = "", ...rest] = line.split(/([,;])/);
  const parts = [first];
  for (let at = 0; at < rest.length; at += 2) {
    const [separator = "", next = ""] = rest.slice(at, at + 2);
    const last = parts[parts.length - 1] ?? "";
    const isWithin = inX500.test(last) && next.trim() && !next.includes("@") && !inX500.test(next);
    if (isWithin) parts[parts.length - 1] = last + separator + next;
    else parts.push(next);
  }
  return parts;
}

const inX500 = /(^|<)\s*\[?((ex|x500):)?\s*\/o=/i;

const isNamed = /\S\s*<([^>]*@|\[?((ex|x500):)?\s*\/o=)/i;

const isSurname = (part: string) => /^\s*[^\s@<>/]+\s*$/.test(part);

export const badAddress = (addresses: readonly string[]) =>
  addresses.find((a) => isPattern(a) || (!/^[^\s@]+@[^\s@]+$/.test(a) && !X500.test(a)));

/** Exchange's own names for its people, with the mark that Outlook puts before them. */
const X500 = /^\[?((ex|x500):)?\s*\/o=/;

/** A pattern is nobody's address: each is named in full. */
export const isPattern = (address: string) => /\*|^@/.test(address);
