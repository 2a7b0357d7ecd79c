// What an administrator asks for people who read mail, until somebody from legal agrees or refuses.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/calls";
import type { Person } from "../../api/types";
import { q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Refusal } from "../../ui/Refusal";
import { Copyable, Note, Time } from "../../ui/values";
import { again } from "./AddPerson";

const t = s.people;

/** Those that wait. Who agrees is shown the password that comes of it, and passes it on. */
export function Asks({ people }: { people: readonly Person[] }) {
  const [secret, setSecret] = useState<{ name: string; password: string } | null>(null);
  return (
    <>
      {people
        .filter((person) => person.asked)
        .map((person) => (
          <Asked
            key={person.id}
            person={person}
            onPassword={(password) => setSecret({ name: person.display_name, password })}
          />
        ))}
      {secret && <OneTime {...secret} onClose={() => setSecret(null)} />}
    </>
  );
}

function Asked({ person, onPassword }: { person: Person; onPassword: (password: string) => void }) {
  const leads = useLeads();
  const me = useQuery(q.session).data;
  const grant = useMutation({
    mutationFn: () => api.grantPerson(person.id),
    onSuccess: ({ one_time_password }) => one_time_password && onPassword(one_time_password),
    onSettled: again,
  });
  const deny = useMutation({ mutationFn: () => api.denyPerson(person.id), onSettled: again });
  const { asked } = person;
  if (!asked) return null;
  return (
    <Note tone="hold">
      <div className="row row-wrap">
        <p className="grow">
          {t.asks(asked.by, t.wishes[asked.what](person.display_name, s.nav.roles[person.role]))}
          {asked.what === "create" && person.is_archive_wide && ` ${t.asksWide}`}{" "}
          <span className="faint small">
            <Time at={asked.at} />
          </span>
        </p>
        <Button isPending={deny.isPending} onPress={() => deny.mutate()}>
          {leads ? t.refuse : t.takeBack}
        </Button>
        {leads && person.name !== me?.name && (
          <Button kind="primary" isPending={grant.isPending} onPress={() => grant.mutate()}>
            {t.agree}
          </Button>
        )}
      </div>
      <Refusal error={grant.error ?? deny.error} />
    </Note>
  );
}

/** A password that is shown once. */
export function OneTime({
  name,
  password,
  onClose,
}: {
  name: string;
  password: string;
  onClose: () => void;
}) {
  return (
    <Dialog
      title={t.created(name)}
      isOpen
      onClose={onClose}
      foot={
        <Button kind="primary" onPress={onClose}>
          {t.done}
        </Button>
      }
    >
      <p>{t.passwordOnce}</p>
      <div className="stack stack-tight">
        <span className="field-label">{t.password}</span>
        <Copyable text={password} label={s.ui.copy} />
      </div>
    </Dialog>
  );
}
