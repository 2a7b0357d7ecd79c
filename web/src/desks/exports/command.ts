// The exact command that checks a bundle anywhere, with only the bundle and the log's public key.
import type { Job } from "../../api/types";

// The server names downloads so (src/http/file.rs): what could escape a directory is replaced.
const UNSAFE = /[\p{Cc}/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const CHARS_MAX = 150;

/** The file name under which the browser saves a bundle. */
export function bundleName(job: Pick<Job, "name">): string {
  const clean = `${job.name}.zip`.replace(UNSAFE, "_").replace(/^[.\s]+|[.\s]+$/g, "");
  const chars = [...clean];
  if (chars.length <= CHARS_MAX) return clean || "attachment";
  return [...chars.slice(0, CHARS_MAX - 20), ...chars.slice(-20)].join("");
}

/** Quotes for a POSIX shell only where it is needed. */
const quote = (text: string) =>
  /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A name that begins with a dash would be read as an option. */
const asPath = (name: string) => (name.startsWith("-") ? `./${name}` : name);

export const verifyCommand = (file: string, key: string) =>
  `muniment verify-export ${quote(asPath(file))} --key ${quote(key)}`;
