// Addresses as people paste them: one a line, or with commas, or with names around them.

export function addressesOf(text: string): string[] {
  const found = text
    .split(/[\n,;]+/)
    .map((part) => (/<([^>]*)>/.exec(part)?.[1] ?? part).trim().toLowerCase())
    .filter(Boolean);
  return [...new Set(found)];
}

export const badAddress = (addresses: readonly string[]) =>
  addresses.find((a) => !/^[^\s@]+@[^\s@]+$/.test(a));
