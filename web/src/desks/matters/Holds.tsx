// The holds of a matter: those in force first.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { Hold, Matter } from "../../api/types";
import { q } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Await, Empty } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { date, time } from "../../ui/format";
import { useKeys } from "../../ui/keys";
import { Card } from "../../ui/Page";
import { Badge, Time } from "../../ui/values";
import { PlaceHold } from "./PlaceHold";

const t = s.holds;
const route = getRouteApi("/matters/$id");

/** Who and when, in one line. */
export function scopeOf(hold: Hold): string {
  const who = hold.custodians.map((c) => c.name).join(", ") || t.everyone;
  const exact = (at?: string | null) => (at ? t.exactly(time(at, "UTC")) : null);
  const range = hold.is_of_whole_days
    ? t.range(hold.from ? date(hold.from) : null, hold.until ? date(hold.until) : null)
    : t.range(exact(hold.from_at), exact(hold.until_before));
  const kind = hold.from || hold.until ? `${hold.date_kind === "sent" ? t.sent : t.received} ` : "";
  return [who, `${kind}${range}`, hold.is_ongoing ? t.ongoing.toLowerCase() : ""].filter(Boolean).join(" · ");
}

export const HoldState = ({ hold }: { hold: Hold }) =>
  hold.released_at ? (
    <Badge tone="plain">{t.released}</Badge>
  ) : (
    <Badge tone="hold" icon="hold">
      {t.inForce}
    </Badge>
  );

export function Holds({ matter }: { matter: Matter }) {
  const list = useQuery(q.holds(matter.id));
  const { act } = route.useSearch();
  const navigate = route.useNavigate();
  const setPlacing = (on: boolean) => void navigate({ search: on ? { act: "hold" } : {}, replace: true });
  const leads = useLeads();
  const canPlace = leads && matter.custodians > 0;
  useKeys({ h: () => canPlace && setPlacing(true) });
  const order = (holds: Hold[]) =>
    [...holds].sort((a, b) => Number(Boolean(a.released_at)) - Number(Boolean(b.released_at)));
  const place = (kind: "primary" | "quiet") =>
    leads && (
      <Button
        kind={kind}
        icon={kind === "quiet" ? "plus" : undefined}
        isDisabled={!canPlace}
        onPress={() => setPlacing(true)}
      >
        {t.new}
      </Button>
    );
  return (
    <Card title={s.matters.holds} isFlush acts={place("quiet")}>
      <Await query={list} lines={3}>
        {({ holds }) =>
          holds.length ? (
            <ul className="lines">
              {order(holds).map((hold) => (
                <li key={hold.id}>
                  <Link
                    className="line line-link"
                    to="/matters/$id/holds/$hid"
                    params={{ id: String(matter.id), hid: String(hold.id) }}
                  >
                    <span className="line-main">
                      <span className="strong">{hold.name}</span>
                      <span className="quiet small">{scopeOf(hold)}</span>
                    </span>
                    <span className="line-side small">
                      {!hold.released_at && <span>{s.families(hold.families)}</span>}
                      <span className="faint">
                        {hold.released_at ? t.released : t.placed}{" "}
                        <Time at={hold.released_at ?? hold.placed_at} short />
                      </span>
                    </span>
                    <HoldState hold={hold} />
                  </Link>
                </li>
              ))}
            </ul>
          ) : (
            <Empty icon="hold" title={t.none} act={place("primary")}>
              {t.noneWhy}
            </Empty>
          )
        }
      </Await>
      {act === "hold" && canPlace && <PlaceHold matter={matter} onClose={() => setPlacing(false)} />}
    </Card>
  );
}
