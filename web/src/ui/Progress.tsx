// How far a job is: a bar, and the figures beside it.
import { ProgressBar } from "react-aria-components";
import { s } from "../strings";
import "./progress.css";

export function Progress({ label, done, total }: { label: string; done: number; total: number }) {
  return (
    <ProgressBar
      className="progress"
      aria-label={label}
      value={done}
      maxValue={Math.max(total, 1)}
      isIndeterminate={total === 0}
      valueLabel={s.ui.progress(done, total)}
    >
      {({ percentage, valueText }) => (
        <>
          <span className="progress-track">
            <i style={{ width: `${percentage ?? 12}%` }} />
          </span>
          <span className="tiny quiet">{valueText}</span>
        </>
      )}
    </ProgressBar>
  );
}
