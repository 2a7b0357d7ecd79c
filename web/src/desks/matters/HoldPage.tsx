// One hold: what it says, what it holds, and its release.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { api } from "../../api/calls";
import type { Hold, Matter } from "../../api/types";
import { useActs } from "../../app/acts";
import { changed, q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Await, Empty, Failed, Skeleton } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Field } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { useListKeys } from "../../ui/keys";
import { useTitle } from "../../ui/title";
import { Note, Time, Zone } from "../../ui/values";
import ExportDialog from "../exports/ExportDialog";
import { HitList } from "../search/HitList";
import { usePages } from "../search/pages";
import { HoldState, scopeOf } from "./Holds";
import "./matters.css";

const t = s.holds;
const route = getRouteApi("/matters/$id/holds/$hid");

export function HoldPage() {
  const params = route.useParams();
  const [id, hid] = [Number(params.id), Number(params.hid)];
  const matter = useQuery(q.matter(id));
  const hold = useQuery(q.hold(id, hid));
  return (
    <Await query={matter}>
      {(m) => (
        <Await query={hold}>
          {(h) => (
            <Zone value={m.zone}>
              <Shown matter={m} hold={h} />
            </Zone>
          )}
        </Await>
      )}
    </Await>
  );
}

function Shown({ matter, hold }: { matter: Matter; hold: Hold }) {
  const navigate = useNavigate();
  useTitle(hold.name, matter.name, s.matters.title);
  const [act, setAct] = useState<"release" | "export" | null>(null);
  const [active, setActive] = useState<number | undefined>();
  const fetch = useCallback(
    (cursor: string | undefined, limit: number) => api.heldItems(matter.id, hold.id, cursor, limit),
    [matter.id, hold.id],
  );
  const items = usePages(["matter", matter.id, "holds", hold.id, "items"], fetch, true);
  const open = (index: number) => {
    const hit = items.rows[index];
    if (hit) void navigate({ to: "/search", search: { matter: matter.id, m: hit.id } });
  };
  const total = items.first?.total ?? 0;
  useListKeys(total, active, setActive, open);
  const exportName = hold.released_at ? t.exportReleased : t.exportHeld;
  const leads = useLeads();
  useActs([
    ...(leads && total
      ? [{ id: "export", name: exportName, icon: "bundle" as const, run: () => setAct("export") }]
      : []),
    ...(!leads || hold.released_at
      ? []
      : [
          {
            id: "release",
            name: t.releaseTitle(hold.name),
            icon: "hold" as const,
            run: () => setAct("release"),
          },
        ]),
  ]);
  return (
    <div className="hold-page">
      <header className="hold-head">
        <Link className="row row-tight small" to="/matters/$id" params={{ id: String(matter.id) }}>
          <Icon name="left" size={14} /> {matter.name}
        </Link>
        <div className="row row-wide">
          <div className="grow stack stack-tight">
            <div className="row">
              <h1 className="clip">{hold.name}</h1>
              <HoldState hold={hold} />
            </div>
            <p className="quiet">{scopeOf(hold)}</p>
            <p className="faint small">
              {t.placed} <Time at={hold.placed_at} /> {s.matters.by} {hold.placed_by}
              {hold.flags && ` · ${t.flags(hold.flags.flagged, hold.flags.segments)}`}
            </p>
          </div>
          {leads && (
            <Button icon="bundle" isDisabled={!total} onPress={() => setAct("export")}>
              {exportName}
            </Button>
          )}
          {leads && !hold.released_at && <Button onPress={() => setAct("release")}>{t.release}</Button>}
        </div>
        {hold.released_at && (
          <Note>
            <p>
              {t.releasedOn} <Time at={hold.released_at} /> {s.matters.by} {hold.released_by}
              {items.first && `; ${t.heldUntilThen(total)}`}.
            </p>
            <p>
              <span className="strong">{t.reasonGiven}:</span> {hold.release_reason}
            </p>
          </Note>
        )}
      </header>
      <section className="hold-items" aria-label={hold.released_at ? t.heldThen : t.held}>
        <div className="hits-head">
          <p>
            <strong>{items.first && s.families(total)}</strong>
          </p>
        </div>
        {items.error ? (
          <Failed error={items.error} retry={() => void items.query.refetch()} />
        ) : !items.first ? (
          <Skeleton lines={12} />
        ) : total === 0 ? (
          <Empty icon="hold" title={t.nothing}>
            {hold.is_ongoing && !hold.released_at ? t.nothingYet : undefined}
          </Empty>
        ) : (
          <HitList
            count={total}
            row={(i) => items.rows[i]}
            onRange={items.want}
            active={active}
            onActive={setActive}
            onOpen={open}
            isSent={hold.date_kind === "sent"}
          />
        )}
      </section>
      {act === "release" && <Release matter={matter.id} hold={hold} onClose={() => setAct(null)} />}
      {act === "export" && (
        <ExportDialog
          matter={matter.id}
          families={total}
          scope={{ hold_id: hold.id }}
          name={hold.name}
          onClose={() => setAct(null)}
        />
      )}
    </div>
  );
}

function Release({ matter, hold, onClose }: { matter: number; hold: Hold; onClose: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title={t.releaseTitle(hold.name)}
      act={t.releaseAct(hold.families)}
      isReady={reason.trim().length > 0}
      run={async () => {
        await api.releaseHold(matter, hold.id, reason.trim());
        changed(matter);
      }}
      onClose={onClose}
    >
      <p>{t.releaseWhy(hold.families)}</p>
      <Field
        label={t.reason}
        value={reason}
        onChange={setReason}
        hint={t.reasonHint}
        placeholder={t.reasonPlaceholder}
        rows={3}
        autoFocus
      />
    </Confirm>
  );
}
