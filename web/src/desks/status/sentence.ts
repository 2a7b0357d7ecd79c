// The status in one sentence, worst first.
import type { Status } from "../../api/types";
import { s } from "../../strings";
import { span } from "../../ui/format";

const t = s.status.sentence;
const SILENT_MS = 24 * 3600 * 1000;
/** Mail that waits longer than this for being found is worth a look. */
const LAG_MS = 2 * 60 * 1000;

export type Mood = "good" | "hold" | "bad";

export function sentence(status: Status, now: number): { text: string; mood: Mood } {
  const seen = status.sources.map((source) => (source.last_seen ? Date.parse(source.last_seen) : null));
  const unsent = seen.filter((at) => at === null).length;
  const silent = seen.filter((at) => at !== null && now - at > SILENT_MS).length;
  const delivering = seen.length - unsent - silent;
  const last = Math.max(...seen.map((at) => at ?? 0));
  const damage = status.damage.records ? t.damaged(status.damage.records) : "";
  const parts: string[] = [];
  if (!status.clocks.agree) parts.push(t.clocks);
  if (status.check.faults) parts.push(t.faults(status.check.faults));
  if (!status.sources.length) parts.push(t.noSource);
  else if (unsent === seen.length) parts.push(t.waiting(seen.length));
  else {
    if (silent) parts.push(t.silent(silent, seen.length));
    if (unsent) parts.push(t.unsent(unsent, seen.length));
    if (delivering === seen.length) parts.push(t.delivering(seen.length));
  }
  if (last > 0) parts.push(t.last(span(now - last)));
  const oldest = status.index.oldest_waiting;
  const waits = oldest ? Math.max(0, now - Date.parse(oldest)) : 0;
  parts.push(t.behind(status.index.behind, waits > LAG_MS ? span(waits) : undefined));
  if (status.index.pending) parts.push(t.pending(status.index.pending));
  const unpublished = Math.max(0, status.log.size - status.log.published);
  parts.push(t.published(unpublished), t.gaps(status.gaps));
  if (status.locks.parts) parts.push(t.locks(status.locks.done, status.locks.total));
  if (status.log.stamps?.error) parts.push(t.stamp);
  if (status.log.mail?.error) parts.push(t.mail);
  const mood =
    status.check.faults > 0 ||
    status.check.unexplained > 0 ||
    !status.clocks.agree ||
    status.locks.text !== "" ||
    status.damage.records > 0 ||
    !status.sources.length ||
    (silent > 0 && delivering === 0)
      ? "bad"
      : silent || unsent || waits > LAG_MS || status.log.stamps?.error || status.log.mail?.error
        ? "hold"
        : "good";
  return { text: `${damage}${parts.join("; ")}.`, mood };
}
