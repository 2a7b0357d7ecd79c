// The people whose mail the matter is about, with every address that each of them had.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/calls";
import type { Custodian, Matter } from "../../api/types";
import { useActs } from "../../app/acts";
import { changed, q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Card } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";
import { Address } from "../../ui/values";
import { addressesOf, badAddress, isPattern } from "./addresses";

const t = s.matters;

export function Custodians({ matter }: { matter: Matter }) {
  const list = useQuery(q.custodians(matter.id));
  const [editing, setEditing] = useState<Custodian | "new" | null>(null);
  const [removing, setRemoving] = useState<Custodian | null>(null);
  const leads = useLeads();
  useActs([
    ...(leads
      ? [
          {
            id: "add-custodian",
            name: t.addCustodian,
            icon: "people" as const,
            run: () => setEditing("new"),
          },
        ]
      : []),
  ]);
  return (
    <Card
      title={t.custodians}
      isFlush
      acts={
        leads && (
          <Button kind="quiet" icon="plus" onPress={() => setEditing("new")}>
            {t.addCustodian}
          </Button>
        )
      }
    >
      <Await query={list} lines={3}>
        {({ custodians }) =>
          custodians.length ? (
            <ul className="lines">
              {custodians.map((custodian) => (
                <li key={custodian.id} className="line">
                  <span className="strong line-name">{custodian.name}</span>
                  <span className="line-main quiet">
                    {custodian.addresses.map((address) => (
                      <Address key={address} address={address} />
                    ))}
                  </span>
                  {leads && (
                    <>
                      <Button
                        kind="quiet"
                        aria-label={`${t.editCustodian}: ${custodian.name}`}
                        onPress={() => setEditing(custodian)}
                      >
                        {s.ui.edit}
                      </Button>
                      <IconButton
                        icon="x"
                        label={t.removeTitle(custodian.name)}
                        onPress={() => setRemoving(custodian)}
                      />
                    </>
                  )}
                </li>
              ))}
            </ul>
          ) : (
            <Empty
              icon="people"
              title={t.noCustodians}
              act={
                leads && (
                  <Button kind="primary" onPress={() => setEditing("new")}>
                    {t.addCustodian}
                  </Button>
                )
              }
            >
              {t.noCustodiansWhy}
            </Empty>
          )
        }
      </Await>
      {editing && (
        <CustodianDialog
          matter={matter.id}
          custodian={editing === "new" ? undefined : editing}
          onClose={() => setEditing(null)}
        />
      )}
      {removing && (
        <Confirm
          title={t.removeTitle(removing.name)}
          act={t.removeAct(removing.name)}
          run={async () => {
            await api.removeCustodian(matter.id, removing.id);
            changed(matter.id);
          }}
          onClose={() => setRemoving(null)}
        >
          <p>{t.removeWhy}</p>
        </Confirm>
      )}
    </Card>
  );
}

const refused = (bad: string) => (isPattern(bad) ? t.addressPattern(bad) : t.addressBad(bad));

function CustodianDialog({
  matter,
  custodian,
  onClose,
}: {
  matter: number;
  custodian: Custodian | undefined;
  onClose: () => void;
}) {
  const [name, setName] = useState(custodian?.name ?? "");
  const [lines, setLines] = useState(custodian?.addresses.join("\n") ?? "");
  const [tried, setTried] = useState(false);
  const addresses = addressesOf(lines);
  const bad = badAddress(addresses);
  const save = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), addresses };
      return custodian ? api.changeCustodian(matter, custodian.id, body) : api.addCustodian(matter, body);
    },
    onSuccess: () => {
      changed(matter);
      onClose();
    },
  });
  const go = () => {
    setTried(true);
    if (name.trim() && addresses.length && !bad) save.mutate();
  };
  return (
    <Dialog
      title={custodian ? t.editCustodian : t.addCustodian}
      isOpen
      onClose={onClose}
      onSubmit={go}
      foot={
        <>
          <Button onPress={onClose}>{s.ui.cancel}</Button>
          <Button kind="primary" type="submit" isPending={save.isPending}>
            {custodian ? s.ui.save : t.addCustodian}
          </Button>
        </>
      }
    >
      <Field
        label={t.custodianName}
        value={name}
        onChange={setName}
        placeholder={t.custodianPlaceholder}
        error={tried && !name.trim() ? s.ui.required : undefined}
        autoFocus
      />
      <Field
        label={t.addresses}
        value={lines}
        onChange={setLines}
        rows={5}
        isMono
        hint={t.addressesHint}
        error={!tried ? undefined : bad ? refused(bad) : addresses.length ? undefined : s.ui.required}
      />
      <Refusal error={save.error} />
    </Dialog>
  );
}
