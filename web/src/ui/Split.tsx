// Two panes and the line between them, moved by pointer or arrow keys; the share stays in this browser.
import { type ReactNode, useRef, useState } from "react";
import { Button } from "./Button";
import "./split.css";

/** The way from the right pane to the left one, where only one of them is shown. */
export const PaneBack = ({ onPress, children }: { onPress: () => void; children: ReactNode }) => (
  <div className="pane-back">
    <Button kind="quiet" icon="left" onPress={onPress}>
      {children}
    </Button>
  </div>
);

const clamp = (share: number) => Math.min(72, Math.max(28, share));

export function Split({
  left,
  right,
  label,
  keep,
  narrow,
  initial = 46,
}: {
  left: ReactNode;
  right: ReactNode;
  label: string;
  keep: string;
  /** Which of the two is shown where there is room for one. */
  narrow: "left" | "right";
  initial?: number;
}) {
  const [share, setShare] = useState(() => clamp(Number(localStorage.getItem(keep)) || initial));
  const box = useRef<HTMLDivElement>(null);
  const move = (next: number) => {
    setShare(clamp(next));
    localStorage.setItem(keep, String(Math.round(clamp(next))));
  };
  return (
    <div
      className="split"
      data-narrow={narrow}
      ref={box}
      style={{ gridTemplateColumns: `minmax(0, ${share}fr) 1px minmax(0, ${100 - share}fr)` }}
    >
      {left}
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label={label}
        aria-valuenow={Math.round(share)}
        aria-valuemin={28}
        aria-valuemax={72}
        tabIndex={0}
        className="split-line"
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") move(share - 2);
          else if (event.key === "ArrowRight") move(share + 2);
        }}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          const bounds = box.current?.getBoundingClientRect();
          if (bounds && event.currentTarget.hasPointerCapture(event.pointerId))
            move(((event.clientX - bounds.left) / bounds.width) * 100);
        }}
      />
      {right}
    </div>
  );
}
