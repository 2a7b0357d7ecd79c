// The exact command that checks a bundle anywhere, with only the bundle and the log's public key.
import type { Job } from "../../api/types";

export const bundleName = (job: Pick<Job, "id">) => `export-${job.id}.zip`;

/** Quotes for a POSIX shell only where it is needed. */
const quote = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export const verifyCommand = (file: string, key: string) =>
  `muniment verify-export ${quote(file)} --key ${quote(key)}`;
