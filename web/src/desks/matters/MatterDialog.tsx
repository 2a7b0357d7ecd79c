// Opens a matter.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from "react-aria-components";
import { api } from "../../api/calls";
import type { Matter } from "../../api/types";
import { queryClient } from "../../app/queries";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Refusal } from "../../ui/Refusal";

const t = s.matters;
const zones = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((z) => z !== "UTC")].map((id) => ({ id }));

export function MatterDialog({ onClose, onMade }: { onClose: () => void; onMade: (matter: Matter) => void }) {
  const [name, setName] = useState("");
  const [reference, setReference] = useState("");
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  const [tried, setTried] = useState(false);
  const make = useMutation({
    mutationFn: () => api.addMatter({ name: name.trim(), reference: reference.trim(), zone }),
    onSuccess: (matter) => {
      void queryClient.invalidateQueries({ queryKey: ["matters"] });
      onMade(matter);
    },
  });
  const go = () => {
    setTried(true);
    if (name.trim()) make.mutate();
  };
  return (
    <Dialog
      title={t.new}
      isOpen
      onClose={onClose}
      onSubmit={go}
      foot={
        <>
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button kind="primary" type="submit" isPending={make.isPending}>
            {t.create}
          </Button>
        </>
      }
    >
      <Field
        label={t.name}
        value={name}
        onChange={setName}
        placeholder={t.namePlaceholder}
        error={tried && !name.trim() ? s.ui.required : undefined}
        autoFocus
      />
      <Field label={t.reference} value={reference} onChange={setReference} hint={t.referenceHint} />
      <ComboBox
        className="field"
        defaultItems={zones}
        value={zone}
        onChange={(key) => key && setZone(String(key))}
      >
        <Label className="field-label">{t.zone}</Label>
        <Input className="control" />
        <span className="field-hint">{t.zoneHint}</span>
        <Popover className="popover" offset={4}>
          <ListBox className="options">
            {(item: { id: string }) => (
              <ListBoxItem id={item.id} textValue={item.id} className="option">
                {item.id}
              </ListBoxItem>
            )}
          </ListBox>
        </Popover>
      </ComboBox>
      <Refusal error={make.error} />
    </Dialog>
  );
}
