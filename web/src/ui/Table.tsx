// One table, for five rows or five million: an ARIA grid with rows of one height, drawn as they come
// into view. Focus stays on the grid; the active row is named by aria-activedescendant.
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { s } from "../strings";
import { Icon } from "./icons";
import { follow, offset, type Place, placeAt, range, reveal, spacer } from "./rows";
import "./table.css";

const ROW = 36;
const HEAD = 28;

export interface Column<T> {
  id: string;
  title: string;
  /** A CSS grid track: "96px", "minmax(120px, 1fr)". */
  width: string;
  cell: (row: T) => ReactNode;
  align?: "end";
  isTitleHidden?: boolean;
  /** Left out on a phone. */
  isForRoom?: boolean;
}

export interface TableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  count: number;
  /** Undefined while that row is still on its way. */
  row: (index: number) => T | undefined;
  /** Called with what is in view, so that it can be fetched. */
  onRange?: (first: number, last: number) => void;
  active?: number;
  onActive?: (index: number) => void;
  onOpen?: (row: T, index: number) => void;
  selected?: ReadonlySet<number>;
  onSelect?: (index: number, extend: boolean) => void;
  rowClass?: (row: T) => string;
  /** As tall as its rows, for short lists inside a page. */
  isWhole?: boolean;
  /** Of every row, in px. */
  rowHeight?: number | undefined;
}

export function Table<T>(props: TableProps<T>) {
  const {
    label,
    columns,
    count,
    row,
    onRange,
    active,
    onActive,
    onOpen,
    selected,
    onSelect,
    rowClass,
    isWhole,
    rowHeight = ROW,
  } = props;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(600);
  const [place, setPlace] = useState<Place>({ bar: 0, top: 0 });

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || isWhole) return;
    const watch = new ResizeObserver(() => setView((element.clientHeight || 628) - HEAD));
    watch.observe(element);
    return () => watch.disconnect();
  }, [isWhole]);

  const shown = isWhole ? { first: 0, last: count } : range(place, count, rowHeight, view);
  const { first, last } = shown;
  useEffect(() => {
    if (last > first) onRange?.(first, last);
  }, [first, last, onRange]);

  const moveTo = useCallback(
    (top: number) => {
      const next = placeAt(top, count, rowHeight, view);
      setPlace(next);
      if (box.current) box.current.scrollTop = next.bar;
    },
    [count, rowHeight, view],
  );
  // Only a change of the active row moves the list; scrolling away from it is allowed.
  const seen = useRef<number | undefined>(undefined);
  useEffect(() => {
    if (active === undefined || seen.current === active) return;
    seen.current = active;
    if (isWhole) {
      // What it returns in newer browsers is no end of this effect.
      document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: "nearest" });
      return;
    }
    const top = reveal(active, place, rowHeight, view);
    if (top !== null) moveTo(top);
  }, [active, id, isWhole, moveTo, place, rowHeight, view]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = active ?? -1;
    const page = Math.max(1, Math.floor(view / rowHeight) - 1);
    const go: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: count - 1,
    };
    const to = go[event.key];
    if (to !== undefined && onActive) {
      event.preventDefault();
      onActive(Math.min(Math.max(to, 0), count - 1));
    } else if (event.key === "Enter" && onOpen && active !== undefined) {
      const current = row(active);
      if (current !== undefined) onOpen(current, active);
    } else if (event.key === " " && onSelect && active !== undefined) {
      event.preventDefault();
      onSelect(active, event.shiftKey);
    }
  };

  const tracks = (shown: readonly Column<T>[]) =>
    [...(onSelect ? ["28px"] : []), ...shown.map((c) => c.width)].join(" ");
  const cellClass = (column: Column<T>) =>
    `cell${column.align === "end" ? " cell-end" : ""}${column.isForRoom ? " cell-room" : ""}`;
  const grid = {
    "--tracks": tracks(columns),
    "--tracks-phone": tracks(columns.filter((c) => !c.isForRoom)),
    "--row": `${rowHeight}px`,
  } as CSSProperties;
  const rows: ReactNode[] = [];
  for (let index = shown.first; index < shown.last; index += 1) {
    const value = row(index);
    const isSelected = selected?.has(index);
    rows.push(
      // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys
      <div
        key={index}
        id={`${id}-${index}`}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={onSelect ? Boolean(isSelected) : onActive ? index === active : undefined}
        className={`table-row ${index === active ? "is-active" : ""} ${isSelected ? "is-selected" : ""} ${onActive || onOpen ? "is-open-able" : ""} ${value !== undefined ? (rowClass?.(value) ?? "") : ""}`}
        style={isWhole ? undefined : { transform: `translateY(${offset(index, place, rowHeight)}px)` }}
        onClick={(event) => {
          // A link in it leads elsewhere.
          if (event.defaultPrevented) return;
          onActive?.(index);
          if (value !== undefined) onOpen?.(value, index);
        }}
      >
        {onSelect && (
          // biome-ignore lint/a11y/useKeyWithClickEvents: space selects
          <div
            role="gridcell"
            className="table-tick"
            onClick={(event) => {
              event.stopPropagation();
              onSelect(index, event.shiftKey);
            }}
          >
            <span className="tick-box">
              <Icon name="check" size={12} />
            </span>
          </div>
        )}
        {columns.map((column) => (
          <div key={column.id} role="gridcell" className={cellClass(column)}>
            {value === undefined ? <i className="cell-wait" /> : column.cell(value)}
          </div>
        ))}
      </div>,
    );
  }

  return (
    <div
      ref={box}
      className={isWhole ? "table table-whole" : "table scroll"}
      role="grid"
      aria-label={label}
      aria-rowcount={count + 1}
      aria-multiselectable={onSelect ? true : undefined}
      aria-activedescendant={
        active !== undefined && active >= first && active < last ? `${id}-${active}` : undefined
      }
      tabIndex={0}
      style={grid}
      onKeyDown={onKeyDown}
      onScroll={
        isWhole
          ? undefined
          : (event) => {
              const bar = event.currentTarget.scrollTop;
              setPlace((was) => (was.bar === bar ? was : follow(was, bar, count, rowHeight, view)));
            }
      }
    >
      <div role="rowgroup" className="table-heads">
        <div role="row" aria-rowindex={1} tabIndex={-1} className="table-head">
          {onSelect && (
            <div role="columnheader" tabIndex={-1}>
              <span className="hidden-text">{s.ui.selected}</span>
            </div>
          )}
          {columns.map((column) => (
            <div key={column.id} role="columnheader" tabIndex={-1} className={cellClass(column)}>
              {column.isTitleHidden ? <span className="hidden-text">{column.title}</span> : column.title}
            </div>
          ))}
        </div>
      </div>
      <div
        role="rowgroup"
        className="table-rows"
        style={isWhole ? undefined : { height: spacer(count, rowHeight) }}
      >
        {rows}
      </div>
    </div>
  );
}
