// The hits over time. A month, or a stretch that is drawn over several, writes itself into the query.
import { type KeyboardEvent, type PointerEvent, useId, useRef, useState } from "react";
import { s } from "../../strings";
import type { Bar } from "./narrow";

const t = s.search.timeline;

/** Jan 2026; a year is itself. */
const nameOf = (key: string) => {
  const [year, month] = key.split("-");
  return month ? `${s.records.months[Number(month) - 1]?.slice(0, 3)} ${year}` : key;
};

/** Fewer than these stand at the left, and what they are is said in one place. */
const FEW = 8;

export function Timeline({
  bars,
  isBusy,
  kind,
  undated,
  onRange,
  onAll,
}: {
  /** Those of the search before, while new ones are on their way; none at first: the place is kept. */
  bars: Bar[] | undefined;
  isBusy: boolean;
  kind: "sent" | "received";
  undated: number;
  onRange: (from: string, until: string) => void;
  /** Takes the dates out of the search, where there are some. */
  onAll: (() => void) | undefined;
}) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  /** Where the brush began, and where it is. */
  const [brush, setBrush] = useState<[number, number] | undefined>();
  if (!bars) return <div className="timeline" aria-hidden="true" data-wait />;
  const all = onAll && (
    <button type="button" className="link-button" onClick={onAll}>
      {t.all}
    </button>
  );
  if (!bars.length)
    return (
      <div className="timeline timeline-none faint small">
        <span>{t.none(kind, undated)}</span>
        {all}
      </div>
    );

  const last = bars.length - 1;
  const clamp = (at: number) => Math.min(Math.max(at, 0), last);
  const most = Math.max(...bars.map((bar) => bar.families), 1);
  const at = brush && clamp(brush[1]);
  const [from, until] = brush
    ? [clamp(Math.min(...brush)), clamp(Math.max(...brush))]
    : [undefined, undefined];
  const choose = () => {
    const [first, end] = [bars[from ?? -1], bars[until ?? -1]];
    if (first && end) onRange(first.key, end.key);
    setBrush(undefined);
  };
  const below = (event: PointerEvent) => {
    const bounds = box.current?.getBoundingClientRect();
    const width = box.current?.firstElementChild?.getBoundingClientRect().width;
    if (!bounds || !width) return 0;
    return clamp(Math.floor((event.clientX - bounds.left) / width));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const now = at ?? last;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
    if (to !== undefined) setBrush([event.shiftKey && brush ? brush[0] : clamp(to), clamp(to)]);
    else if (event.key === "Enter" || event.key === " ") {
      // What is shown is of the search before.
      if (!isBusy) choose();
    } else if (event.key === "Escape" && brush) setBrush(undefined);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const isIn = (index: number) =>
    from !== undefined && until !== undefined && index >= from && index <= until;
  const chosen = bars.slice(from, (until ?? last) + 1);
  const sum = chosen.reduce((all, bar) => all + bar.families, 0);
  const said =
    brush && chosen[0]
      ? t.stretch(nameOf(chosen[0].key), nameOf(chosen.at(-1)?.key ?? ""), sum)
      : t.of(kind, undated);
  return (
    <div className="timeline" data-few={bars.length < FEW || undefined}>
      <div
        ref={box}
        className="timeline-bars"
        role="listbox"
        aria-label={t.label(kind)}
        aria-orientation="horizontal"
        aria-multiselectable="true"
        aria-busy={isBusy || undefined}
        aria-activedescendant={at === undefined ? undefined : `${id}-${at}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={() => setBrush((was) => was ?? [last, last])}
        onBlur={() => setBrush(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0 || isBusy) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setBrush([below(event), below(event)]);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId))
            setBrush((was) => was && [was[0], below(event)]);
        }}
        onPointerUp={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) choose();
        }}
        onPointerCancel={() => setBrush(undefined)}
      >
        {bars.map((bar, index) => (
          <div
            key={bar.key}
            id={`${id}-${index}`}
            role="option"
            aria-selected={isIn(index)}
            aria-label={t.bar(nameOf(bar.key), bar.families)}
            title={t.bar(nameOf(bar.key), bar.families)}
            className="timeline-bar"
          >
            <i style={{ height: bar.families ? `${Math.max(6, (bar.families / most) * 100)}%` : 0 }} />
          </div>
        ))}
      </div>
      <div className="timeline-foot tiny">
        <span>
          {nameOf(bars[0]?.key ?? "")}
          {bars.length < FEW && last > 0 && ` – ${nameOf(bars[last]?.key ?? "")}`}
        </span>
        <span className="timeline-said faint">
          <span aria-live="polite">{said}</span>
          {all}
        </span>
        {bars.length >= FEW && <span>{nameOf(bars[last]?.key ?? "")}</span>}
      </div>
    </div>
  );
}
