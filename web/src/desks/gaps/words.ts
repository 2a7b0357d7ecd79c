// Gaps in words.
import type { GapsAsked } from "../../api/types";
import { s } from "../../strings";
import { capital } from "../../ui/format";

export const whyOf = (reason: string) => s.message.gaps.reasons[reason] ?? s.message.gaps.other;

/** What a custodian is called. */
export type NameOf = (custodian: number) => string;

/** Which gaps, in one line. */
export function wordsOf(asked: GapsAsked, nameOf: NameOf): string {
  const { reason, media_type, source, custodian: whose } = asked;
  const words = [
    reason === undefined ? "" : capital(whyOf(reason)),
    media_type ?? "",
    source ?? "",
    whose === undefined ? "" : nameOf(whose),
  ];
  return words.filter(Boolean).join(" · ") || s.retries.everything;
}
