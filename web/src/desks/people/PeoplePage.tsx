// Who can sign in, and with which rights. For administrators.

import { useMutation, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { api } from "../../api/calls";
import type { Person, Role } from "../../api/types";
import { useActs } from "../../app/acts";
import { q, queryClient } from "../../app/queries";
import { mayBeWide } from "../../app/rights";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Dialog } from "../../ui/Dialog";
import { Choose, Field, Tick } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { Page } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Copyable, Time, useZoned } from "../../ui/values";

const t = s.people;
const again = () => queryClient.invalidateQueries({ queryKey: ["people"] });

type Ask = { act: "disable" | "reset"; person: Person } | null;

export function PeoplePage() {
  const { data: me } = useSuspenseQuery(q.session);
  useTitle(t.title);
  return <People me={me?.name} />;
}

function People({ me }: { me: string | undefined }) {
  const people = useQuery(q.people);
  const [adding, setAdding] = useState(false);
  const [ask, setAsk] = useState<Ask>(null);
  const [secret, setSecret] = useState<{ name: string; password: string } | null>(null);
  const change = useMutation({
    mutationFn: ({ id, ...body }: { id: number; is_disabled?: boolean; is_archive_wide?: boolean }) =>
      api.changePerson(id, body),
    onSettled: again,
  });
  const zoned = useZoned();
  useActs([{ id: "add-person", name: t.add, icon: "plus", run: () => setAdding(true) }]);
  const columns: Column<Person>[] = [
    {
      id: "name",
      title: t.displayName,
      width: "minmax(0, 1.500fr)",
      cell: (p) => (
        <>
          <span className="strong">{p.display_name}</span>{" "}
          {p.name === me && <span className="faint">{t.you}</span>}
        </>
      ),
    },
    {
      id: "login",
      isForRoom: true,
      title: t.name,
      width: "minmax(0, 1fr)",
      cell: (p) => <span className="quiet">{p.name}</span>,
    },
    { id: "role", isForRoom: true, title: t.role, width: "110px", cell: (p) => s.nav.roles[p.role] },
    {
      id: "wide",
      isForRoom: true,
      title: t.archiveWide,
      width: "96px",
      cell: (p) => (p.is_archive_wide ? <Icon name="check" /> : null),
    },
    {
      id: "state",
      title: t.state,
      width: "minmax(0, 1.200fr)",
      cell: (p) =>
        p.is_disabled ? (
          <Badge tone="plain">{t.disabled}</Badge>
        ) : p.must_change ? (
          <span className="quiet">{t.oneTime}</span>
        ) : (
          t.active
        ),
    },
    {
      id: "added",
      isForRoom: true,
      title: zoned(t.added),
      width: "130px",
      cell: (p) => (
        <span className="quiet">
          <Time at={p.created_at} />
        </span>
      ),
    },
    {
      id: "acts",
      title: t.acts,
      width: "36px",
      isTitleHidden: true,
      cell: (p) => (
        <MenuTrigger>
          <AriaButton className="icon-button" aria-label={`${t.acts}: ${p.display_name}`}>
            <Icon name="more" />
          </AriaButton>
          <Popover className="popover" placement="bottom end">
            <Menu
              className="options"
              aria-label={t.acts}
              onAction={(key) => {
                if (key === "reset") setAsk({ act: "reset", person: p });
                else if (key === "disable") setAsk({ act: "disable", person: p });
                else if (key === "enable") change.mutate({ id: p.id, is_disabled: false });
                else change.mutate({ id: p.id, is_archive_wide: !p.is_archive_wide });
              }}
            >
              <MenuItem id="reset" className="option">
                {t.reset}
              </MenuItem>
              {mayBeWide(p.role) && (
                <MenuItem id="wide" className="option">
                  {p.is_archive_wide ? t.revoke : t.grant}
                </MenuItem>
              )}
              {p.name !== me && (
                <MenuItem id={p.is_disabled ? "enable" : "disable"} className="option">
                  {p.is_disabled ? t.enable : t.disable}
                </MenuItem>
              )}
            </Menu>
          </Popover>
        </MenuTrigger>
      ),
    },
  ];
  return (
    <Page
      title={t.title}
      acts={
        <Button kind="primary" icon="plus" onPress={() => setAdding(true)}>
          {t.add}
        </Button>
      }
    >
      <Refusal error={change.error} />
      <Await query={people}>
        {({ people: list }) => (
          <div className="card">
            <Table isWhole label={t.title} columns={columns} count={list.length} row={(i) => list[i]} />
          </div>
        )}
      </Await>
      {adding && (
        <AddPerson
          onClose={() => setAdding(false)}
          onMade={(name, password) => {
            setAdding(false);
            setSecret({ name, password });
          }}
        />
      )}
      {ask?.act === "disable" && (
        <Confirm
          title={t.disableTitle(ask.person.display_name)}
          act={t.disableTitle(ask.person.display_name)}
          run={async () => {
            await api.changePerson(ask.person.id, { is_disabled: true });
            await again();
          }}
          onClose={() => setAsk(null)}
        >
          <p>{t.disableWhy}</p>
        </Confirm>
      )}
      {ask?.act === "reset" && (
        <Confirm
          title={t.resetTitle(ask.person.display_name)}
          act={t.reset}
          run={async () => {
            const { one_time_password } = await api.resetPassword(ask.person.id);
            setSecret({ name: ask.person.display_name, password: one_time_password });
            await again();
          }}
          onClose={() => setAsk(null)}
        >
          <p>{t.resetWhy}</p>
        </Confirm>
      )}
      {secret && (
        <Dialog
          title={t.created(secret.name)}
          isOpen
          onClose={() => setSecret(null)}
          foot={
            <Button kind="primary" onPress={() => setSecret(null)}>
              {t.done}
            </Button>
          }
        >
          <p>{t.passwordOnce}</p>
          <div className="stack stack-tight">
            <span className="field-label">{t.password}</span>
            <Copyable text={secret.password} label={s.ui.copy} />
          </div>
        </Dialog>
      )}
    </Page>
  );
}

function AddPerson({
  onClose,
  onMade,
}: {
  onClose: () => void;
  onMade: (name: string, password: string) => void;
}) {
  const [displayName, setDisplayName] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("legal");
  const [wide, setWide] = useState(false);
  const [tried, setTried] = useState(false);
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
            {t.add}
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
      <Refusal error={add.error} />
    </Dialog>
  );
}
