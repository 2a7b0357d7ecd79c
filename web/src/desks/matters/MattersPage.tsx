// The matters that the reader is a member of.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Matter } from "../../api/types";
import { q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { number } from "../../ui/format";
import { useListKeys } from "../../ui/keys";
import { Page } from "../../ui/Page";
import { type Column, Table } from "../../ui/Table";
import { useTitle } from "../../ui/title";
import { Badge, Time, useZoned } from "../../ui/values";
import { Asks } from "../people/Asks";
import { MatterDialog } from "./MatterDialog";
import "./matters.css";

const t = s.matters;
const route = getRouteApi("/matters");
const columnsOf = (zoned: (title: string) => string): Column<Matter>[] => [
  {
    id: "name",
    title: t.name,
    width: "minmax(0, 2fr)",
    cell: (m) => <span className="strong">{m.name}</span>,
  },
  {
    id: "reference",
    isForRoom: true,
    title: t.reference,
    width: "minmax(0, 1fr)",
    cell: (m) => <span className="quiet">{m.reference}</span>,
  },
  {
    id: "custodians",
    isForRoom: true,
    title: t.custodians,
    width: "90px",
    align: "end",
    cell: (m) => number(m.custodians),
  },
  {
    id: "holds",
    title: t.holds,
    width: "90px",
    align: "end",
    cell: (m) =>
      m.holds ? (
        <Badge tone="hold" icon="hold">
          {number(m.holds)}
        </Badge>
      ) : (
        <span className="faint">0</span>
      ),
  },
  {
    id: "created",
    isForRoom: true,
    title: zoned(t.created),
    width: "150px",
    cell: (m) => (
      <span className="quiet">
        <Time at={m.created_at} />
      </span>
    ),
  },
  {
    id: "state",
    title: t.state,
    width: "72px",
    cell: (m) => (m.is_closed ? <span className="faint">{t.closed}</span> : t.open),
  },
];

export function MattersPage() {
  const matters = useQuery(q.matters);
  useTitle(t.title);
  const zoned = useZoned();
  const navigate = useNavigate();
  const leads = useLeads();
  // What somebody from legal has to agree to is shown where they are.
  const people = useQuery({ ...q.people, enabled: leads });
  const { act } = route.useSearch();
  const adding = leads && act === "new";
  const setAdding = (on: boolean) =>
    void navigate({ to: "/matters", search: on ? { act: "new" } : {}, replace: true });
  const [active, setActive] = useState<number | undefined>();
  const open = (id: number, replace = false) =>
    void navigate({ to: "/matters/$id", params: { id: String(id) }, replace });
  const list = matters.data?.matters ?? [];
  useListKeys(list.length, active, setActive, (i) => list[i] && open(list[i].id));
  return (
    <Page
      title={t.title}
      acts={
        leads && (
          <Button kind="primary" icon="plus" onPress={() => setAdding(true)}>
            {t.new}
          </Button>
        )
      }
    >
      {leads && <Asks people={people.data?.people ?? []} />}
      <Await query={matters}>
        {({ matters: list }) =>
          list.length ? (
            <div className="card">
              <Table
                isWhole
                label={t.title}
                columns={columnsOf(zoned)}
                count={list.length}
                row={(i) => list[i]}
                active={active}
                onActive={setActive}
                onOpen={(m) => open(m.id)}
              />
            </div>
          ) : (
            <Empty
              icon="matter"
              title={t.none}
              act={
                leads && (
                  <Button kind="primary" onPress={() => setAdding(true)}>
                    {t.new}
                  </Button>
                )
              }
            >
              {leads ? t.noneWhy : t.noneYours}
            </Empty>
          )
        }
      </Await>
      {adding && <MatterDialog onClose={() => setAdding(false)} onMade={(m) => open(m.id, true)} />}
    </Page>
  );
}
