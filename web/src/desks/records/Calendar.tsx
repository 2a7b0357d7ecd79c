// A class's months as cells over the years.
import { ToggleButton } from "react-aria-components";
import type { RetentionClass } from "../../api/types";
import { s } from "../../strings";
import { Card } from "../../ui/Page";
import type { Cell, ClassRow, Standing } from "./calendar";

const t = s.records;
const STANDINGS: readonly Standing[] = ["kept", "passed", "open", "destroying", "gone"];

export function Calendar({
  row,
  of,
  isChosen,
  onChoose,
}: {
  row: ClassRow;
  /** None of a class that is configured no more. */
  of: RetentionClass | undefined;
  isChosen: (cell: Cell) => boolean;
  onChoose: (cell: Cell) => void;
}) {
  return (
    <Card title={t.classOf(row.name)} isFlush>
      {of && !of.is_enforced && (
        <div className="card-body">
          <p className="small">{t.notEnforced(of.mode, of.enforcement)}</p>
        </div>
      )}
      <section className="calendar" aria-label={t.monthsOf(row.name)}>
        {row.years.map(({ year, months }) => (
          <fieldset key={year} className="calendar-year" aria-label={String(year)}>
            <p className="faint tiny" aria-hidden="true">
              {year}
            </p>
            <div className="calendar-months">
              {months.map((cell, at) => {
                const name = t.months[at] ?? "";
                return cell ? (
                  <ToggleButton
                    key={name}
                    className={`calendar-cell calendar-${cell.standing}`}
                    isSelected={isChosen(cell)}
                    onChange={() => onChoose(cell)}
                    aria-label={t.cell(`${name} ${year}`, t.standings[cell.standing], cell.of?.deliveries)}
                  >
                    {name.charAt(0)}
                  </ToggleButton>
                ) : (
                  <span key={name} className="calendar-none" />
                );
              })}
            </div>
          </fieldset>
        ))}
      </section>
      <p className="calendar-key small quiet">
        {STANDINGS.map((standing) => (
          <span key={standing}>
            <i className={`calendar-cell calendar-${standing}`} aria-hidden="true" />
            {t.standings[standing]}
          </span>
        ))}
      </p>
    </Card>
  );
}
