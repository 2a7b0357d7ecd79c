// What could not be indexed in full, in plain words, and whether a reader must take care.
import type { Message } from "../../api/types";
import { s } from "../../strings";

const t = s.message.gaps;

export interface Told {
  /** The attachment's name, or the message. */
  name: string;
  why: string;
  detail: string;
  /** Words that someone wrote may be missing; elsewhere there are none, or none that anyone would expect. */
  isGrave: boolean;
}

const QUIET = new Set(["no-text", "not-ocred", "unknown-type"]);

export function told({ gaps, attachments }: Pick<Message, "gaps" | "attachments">): Told[] {
  const files = new Map(attachments.map((file) => [file.ordinal, file]));
  return gaps.map(({ ordinal, reason, detail }) => {
    const file = ordinal === null || ordinal === undefined ? undefined : files.get(ordinal);
    const isImage = reason === "not-ocred" && file?.media_type.startsWith("image/");
    return {
      name: file ? file.path || file.name || t.unnamed : t.message,
      why: isImage ? t.image : (t.reasons[reason] ?? t.other),
      detail,
      isGrave: !QUIET.has(reason),
    };
  });
}
