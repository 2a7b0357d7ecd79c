// An address, completed from those that the reader may see. Any text is taken: a domain works too.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from "react-aria-components";
import { api } from "../../api/calls";
import "../../ui/field.css";
import { MailText } from "../../ui/MailText";

export function AddressField({
  label,
  value,
  matter,
  onChange,
}: {
  label: string;
  value: string | undefined;
  matter: number | null;
  onChange: (value: string | undefined) => void;
}) {
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  const [asked, setAsked] = useState("");
  // Each look-up is in the audit, so ask when the typing pauses.
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 120);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useQuery({
    queryKey: ["complete", matter, asked],
    queryFn: () => api.complete(matter, asked),
    enabled: asked.length > 1 && asked !== value,
    placeholderData: (was) => was,
  });
  const commit = (next: string) => {
    const tidy = next.trim() || undefined;
    if (tidy !== value) onChange(tidy);
  };
  return (
    <ComboBox
      className="field"
      allowsCustomValue
      menuTrigger="input"
      inputValue={text}
      onInputChange={setText}
      items={(found.data?.values ?? []).map((address) => ({ id: address }))}
      onSelectionChange={(key) => {
        if (key === null) return;
        setText(String(key));
        commit(String(key));
      }}
      onBlur={() => commit(text)}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit(text);
      }}
    >
      <Label className="field-label">{label}</Label>
      <Input className="control" spellCheck={false} />
      <Popover className="popover" offset={4}>
        <ListBox className="options">
          {(item: { id: string }) => (
            <ListBoxItem id={item.id} textValue={item.id} className="option">
              <span className="clip">
                <MailText text={item.id} />
              </span>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
