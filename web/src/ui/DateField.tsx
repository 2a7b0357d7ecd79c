// One date control: typed by segment or picked; its value is a plain day, 2026-01-14, or none.
import { parseDate } from "@internationalized/date";
import {
  Button,
  Calendar,
  CalendarCell,
  CalendarGrid,
  DateInput,
  DatePicker,
  DateSegment,
  Dialog,
  FieldError,
  Group,
  Heading,
  Label,
  Popover,
} from "react-aria-components";
import { s } from "../strings";
import { IconButton } from "./Button";
import "./date.css";
import "./field.css";
import { Icon } from "./icons";

function read(value: string | undefined) {
  try {
    return value ? parseDate(value) : null;
  } catch {
    return null;
  }
}

export function DateField({
  label,
  value,
  onChange,
  error,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  error?: string | undefined;
}) {
  return (
    <DatePicker
      className="field"
      value={read(value)}
      onChange={(day) => onChange(day?.toString())}
      shouldForceLeadingZeros
      isInvalid={Boolean(error)}
      validationBehavior="aria"
    >
      <Label className="field-label">{label}</Label>
      <Group className="control date-control">
        <DateInput className="date-input">
          {(segment) => <DateSegment segment={segment} className="date-segment" />}
        </DateInput>
        {value && <IconButton icon="x" label={s.ui.clear} slot={null} onPress={() => onChange(undefined)} />}
        <Button className="icon-button date-open">
          <Icon name="calendar" />
        </Button>
      </Group>
      <FieldError className="field-error">{error}</FieldError>
      <Popover className="popover" offset={4}>
        <Dialog className="date-dialog" aria-label={label}>
          <Calendar>
            <header className="row date-head">
              <Button slot="previous" className="icon-button">
                <Icon name="left" />
              </Button>
              <Heading className="grow date-title" />
              <Button slot="next" className="icon-button">
                <Icon name="right" />
              </Button>
            </header>
            <CalendarGrid className="date-grid">
              {(day) => <CalendarCell date={day} className="date-cell" />}
            </CalendarGrid>
          </Calendar>
        </Dialog>
      </Popover>
    </DatePicker>
  );
}
