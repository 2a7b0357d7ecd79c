// Who is to sign in, and with which rights. One who is to read mail waits until somebody from legal agrees.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/calls";
import type { Role } from "../../api/types";
import { q, queryClient } from "../../app/queries";
import { isReader, mayBeWide } from "../../app/rights";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Choose, Field, Tick } from "../../ui/Field";
import { Refusal } from "../../ui/Refusal";

const t = s.people;
export const again = () => queryClient.invalidateQueries({ queryKey: q.people.queryKey });

export function AddPerson({
  onClose,
  onMade,
}: {
  onClose: () => void;
  onMade: (name: string, password: string | null) => void;
}) {
  const [displayName, setDisplayName] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("legal");
  const [wide, setWide] = useState(false);
  const [tried, setTried] = useState(false);
  const isAlone = !isReader(role);
  const add = useMutation({
    mutationFn: () =>
      api.addPerson({
        name: name.trim(),
        display_name: displayName.trim(),
        role,
        is_archive_wide: mayBeWide(role) && wide,
      }),
    onSuccess: async ({ person, one_time_password }) => {
      await again();
      onMade(person.display_name, one_time_password);
    },
  });
  const missing = (value: string) => (tried && !value.trim() ? s.ui.required : undefined);
  return (
    <Dialog
      title={t.add}
      isOpen
      onClose={onClose}
      onSubmit={() => {
        setTried(true);
        if (name.trim() && displayName.trim()) add.mutate();
      }}
      foot={
        <>
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button kind="primary" type="submit" isPending={add.isPending}>
            {isAlone ? t.add : t.askToAdd}
          </Button>
        </>
      }
    >
      <Field
        label={t.displayName}
        value={displayName}
        onChange={setDisplayName}
        error={missing(displayName)}
        autoFocus
      />
      <Field label={t.name} value={name} onChange={setName} error={missing(name)} autoComplete="off" />
      <Choose
        label={t.role}
        value={role}
        onChange={(id) => setRole(id as Role)}
        choices={(["legal", "reviewer", "records", "auditor", "administrator"] as const).map((id) => ({
          id,
          name: s.nav.roles[id],
        }))}
        hint={t.roleWhy[role]}
      />
      {mayBeWide(role) && (
        <Tick isSelected={wide} onChange={setWide} hint={t.archiveWideHint}>
          {t.archiveWide}
        </Tick>
      )}
      {!isAlone && <p className="small faint">{t.agreeWhy}</p>}
      <Refusal error={add.error} />
    </Dialog>
  );
}
