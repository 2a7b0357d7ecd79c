// One form field: a label, a control, and a hint or what is wrong with it. Text, area, choice and tick.
import type { ReactNode } from "react";
import {
  Checkbox as AriaCheckbox,
  Button,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Text,
  TextArea,
  TextField,
} from "react-aria-components";
import "./field.css";
import { Icon } from "./icons";

interface Base {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  isDisabled?: boolean;
}

const Hints = ({ hint, error }: { hint?: ReactNode; error?: string | undefined }) => (
  <>
    {hint && !error && (
      <Text slot="description" className="field-hint">
        {hint}
      </Text>
    )}
    <FieldError className="field-error">{error}</FieldError>
  </>
);

export function Field({
  label,
  hint,
  error,
  rows,
  isMono,
  ...rest
}: Base & {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "password" | "email";
  placeholder?: string;
  autoFocus?: boolean;
  autoComplete?: string;
  isRequired?: boolean;
  isReadOnly?: boolean;
  name?: string;
  rows?: number;
  isMono?: boolean;
}) {
  const { placeholder, ...field } = rest;
  return (
    <TextField {...field} className="field" isInvalid={Boolean(error)} validationBehavior="aria">
      <Label className="field-label">{label}</Label>
      {rows ? (
        <TextArea
          className="control control-area"
          rows={rows}
          placeholder={placeholder}
          data-mono={isMono || undefined}
        />
      ) : (
        <Input className="control" placeholder={placeholder} data-mono={isMono || undefined} />
      )}
      <Hints hint={hint} error={error} />
    </TextField>
  );
}

export interface Choice {
  id: string;
  name: string;
  note?: string;
}

export function Choose({
  label,
  hint,
  error,
  value,
  onChange,
  choices,
  isLabelHidden,
  isDisabled,
}: Base & {
  value: string;
  onChange: (id: string) => void;
  choices: readonly Choice[];
  isLabelHidden?: boolean;
}) {
  return (
    <Select
      className="field"
      value={value}
      onChange={(key) => onChange(String(key))}
      isInvalid={Boolean(error)}
      isDisabled={isDisabled}
      aria-label={isLabelHidden ? label : undefined}
    >
      {!isLabelHidden && <Label className="field-label">{label}</Label>}
      <Button className="control control-choice">
        <SelectValue className="clip">{({ selectedText }) => selectedText}</SelectValue>
        <Icon name="down" />
      </Button>
      <Hints hint={hint} error={error} />
      <Popover className="popover" offset={4}>
        <ListBox className="options" items={choices}>
          {(choice) => (
            <ListBoxItem id={choice.id} textValue={choice.name} className="option">
              <span className="clip">{choice.name}</span>
              {choice.note && <span className="faint tiny end">{choice.note}</span>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}

export function Tick({
  children,
  hint,
  ...rest
}: {
  children: ReactNode;
  hint?: string;
  isSelected: boolean;
  onChange: (on: boolean) => void;
  isDisabled?: boolean;
}) {
  return (
    <AriaCheckbox {...rest} className="tick">
      <span className="tick-box">
        <Icon name="check" size={12} />
      </span>
      <span>
        {children}
        {hint && <span className="field-hint tick-hint">{hint}</span>}
      </span>
    </AriaCheckbox>
  );
}
