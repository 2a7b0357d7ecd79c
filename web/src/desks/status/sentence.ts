// The status in one sentence, worst first.
import type { Status } from "../../api/types";
import { s } from "../../strings";
import { span } from "../../ui/format";

const t = s.status.sentence;
const SILENT_MS = 24 * 3600 * 1000;

export type Mood = "good" | "hold" | "bad";

export function sentence(status: Status, now: number): { text: string; mood: Mood } {
  const seen = status.sources.map((source) => (source.last_seen ? Date.parse(source.last_seen) : null));
  const silent = seen.filter((at) => at === null || now - at > SILENT_MS).length;
  const last = Math.max(...seen.map((at) => at ?? 0));
  const damage = status.damage.records ? t.damaged(status.damage.records) : "";
  const parts: string[] = [];
  if (status.check.faults) parts.push(t.faults(status.check.faults));
  if (!status.sources.length) parts.push(t.noSource);
  else if (silent) parts.push(t.silent(silent, seen.length));
  else parts.push(t.delivering(seen.length));
  if (last > 0) parts.push(t.last(span(now - last)));
  parts.push(t.behind(status.index.behind));
  if (status.index.pending) parts.push(t.pending(status.index.pending));
  const unpublished = Math.max(0, status.log.size - status.log.published);
  parts.push(t.published(unpublished), t.gaps(status.gaps));
  const mood =
    status.check.faults > 0 ||
    status.damage.records > 0 ||
    !status.sources.length ||
    (silent && silent === seen.length && last > 0)
      ? "bad"
      : silent
        ? "hold"
        : "good";
  return { text: `${damage}${parts.join("; ")}.`, mood };
}
