// Who can sign in, and with which rights. For administrators.

import { useMutation, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { api } from "../../api/calls";
import type { Person } from "../../api/types";
import { useActs } from "../../app/acts";
import { q } from "../../app/queries";
import { isReader, mayBeWide } from "../../app/rights";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/icons";
import { Page } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Time, useZoned } from "../../ui/values";
import { AddPerson, again } from "./AddPerson";
import { Asks, OneTime } from "./Asks";

const t = s.people;

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
        p.asked ? (
          <Badge tone="hold">{t.waits}</Badge>
        ) : p.is_disabled ? (
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
        <Acts
          person={p}
          isSelf={p.name === me}
          setAsk={setAsk}
          onChange={(body) => change.mutate({ id: p.id, ...body })}
        />
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
          <div className="stack">
            <Asks people={list} />
            <div className="card">
              <Table isWhole label={t.title} columns={columns} count={list.length} row={(i) => list[i]} />
            </div>
          </div>
        )}
      </Await>
      {adding && (
        <AddPerson
          onClose={() => setAdding(false)}
          onMade={(name, password) => {
            setAdding(false);
            if (password !== null) setSecret({ name, password });
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
            if (one_time_password) setSecret({ name: ask.person.display_name, password: one_time_password });
            await again();
          }}
          onClose={() => setAsk(null)}
        >
          <p>{isReader(ask.person.role) ? t.resetAsked : t.resetWhy}</p>
        </Confirm>
      )}
      {secret && <OneTime {...secret} onClose={() => setSecret(null)} />}
    </Page>
  );
}

function Acts({
  person: p,
  isSelf,
  setAsk,
  onChange,
}: {
  person: Person;
  isSelf: boolean;
  setAsk: (ask: Ask) => void;
  onChange: (body: { is_disabled?: boolean; is_archive_wide?: boolean }) => void;
}) {
  return (
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
            else if (key === "enable") onChange({ is_disabled: false });
            else onChange({ is_archive_wide: !p.is_archive_wide });
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
          {!isSelf && (
            <MenuItem id={p.is_disabled ? "enable" : "disable"} className="option">
              {p.is_disabled ? t.enable : t.disable}
            </MenuItem>
          )}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
