// Text that a mail brought: its controls made visible, and who its From says it is. Pure; MailText.tsx shows it.

/** What turns the text after it around, so that a name can show as another. */
const TURNS: Record<number, string> = {
  8234: "LRE",
  8235: "RLE",
  8236: "PDF",
  8237: "LRO",
  8238: "RLO",
  8294: "LRI",
  8295: "RLI",
  8296: "FSI",
  8297: "PDI",
};
// Tabs and ends of lines are white space; all other control characters are none of a reader's.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu;

export interface Part {
  text: string;
  /** It stands for a control character, whose code point this is. */
  code?: string;
}

const mark = (control: string): Required<Part> => {
  const point = control.codePointAt(0) ?? 0;
  const code = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  return { text: `⟨${TURNS[point] ?? code}⟩`, code };
};

/** The text with a mark in place of each control. */
export function parts(text: string): Part[] {
  const out: Part[] = [];
  let at = 0;
  for (const { 0: control, index } of text.matchAll(CONTROL)) {
    if (index > at) out.push({ text: text.slice(at, index) });
    out.push(mark(control));
    at = index + control.length;
  }
  if (at < text.length || !out.length) out.push({ text: text.slice(at) });
  return out;
}

/** The same where only characters can stand: titles, names of files and of pages. */
export const plain = (text: string) => text.replace(CONTROL, (control) => mark(control).text);

/** The beginning of a text that no line has room for. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const isHalf = /[\ud800-\udbff]/.test(text[most - 1] ?? "");
  return `${text.slice(0, isHalf ? most - 1 : most)}…`;
}

/** `Name <address>`, or an address or a name alone. */
export function mailbox(from: string): { name: string; address: string } {
  const [, name = "", address = ""] = /^(.*)<([^<>]*)>\s*$/s.exec(from) ?? [];
  if (!address.trim()) return { name: "", address: from.trim() };
  return { name: name.trim().replace(/^"(.*)"$/s, "$1"), address: address.trim() };
}

/** The name for a narrow column; a name that could be taken for an address does not hide the true one. */
export function shortly(from: string): string {
  const { name, address } = mailbox(from);
  return name && !/[@\uff20\ufe6b]/.test(name) ? name : address;
}
