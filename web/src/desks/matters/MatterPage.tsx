// A matter: what is (custodians, holds, members) beside what happened in it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api/calls";
import type { Matter } from "../../api/types";
import { useActs } from "../../app/acts";
import { changed, q, queryClient } from "../../app/queries";
import { useLeads } from "../../app/rights";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/icons";
import { Card, Page } from "../../ui/Page";
import { useTitle } from "../../ui/title";
import { Badge, Time, Zone } from "../../ui/values";
import { Custodians } from "./Custodians";
import { Happened } from "./Happened";
import { Holds } from "./Holds";
import { Members } from "./Members";
import { Passwords } from "./Passwords";
import "./matters.css";

const t = s.matters;
const route = getRouteApi("/matters/$id");

export function MatterPage() {
  const id = Number(route.useParams().id);
  const matter = useQuery(q.matter(id));
  return <Await query={matter}>{(data) => <Shown matter={data} />}</Await>;
}

function Shown({ matter }: { matter: Matter }) {
  const [closing, setClosing] = useState(false);
  useTitle(matter.name, t.title);
  const change = async (is_closed: boolean) => {
    queryClient.setQueryData(q.matter(matter.id).queryKey, await api.changeMatter(matter.id, { is_closed }));
    changed(matter.id);
  };
  const leads = useLeads();
  useActs([
    ...(leads
      ? [
          {
            id: "close-matter",
            name: matter.is_closed ? t.reopen : t.close,
            icon: "matter" as const,
            run: () => setClosing(true),
          },
        ]
      : []),
  ]);
  return (
    <Zone value={matter.zone}>
      <Page
        title={
          <span className="row">
            {matter.name} {matter.is_closed && <Badge tone="plain">{t.closed}</Badge>}
          </span>
        }
        note={[matter.reference, matter.zone].filter(Boolean).join(" · ")}
        acts={
          <>
            {leads && (
              <Button kind="quiet" onPress={() => setClosing(true)}>
                {matter.is_closed ? t.reopen : t.close}
              </Button>
            )}
            <Link className="button button-primary" to="/search" search={{ matter: matter.id }}>
              <Icon name="search" />
              {t.searchIn}
            </Link>
          </>
        }
      >
        <div className="matter">
          <div className="stack stack-wide">
            <Custodians matter={matter} />
            <Holds matter={matter} />
            {leads && <Passwords matter={matter} />}
          </div>
          <div className="stack stack-wide">
            <Members matter={matter} />
            <Card title={t.happened}>
              <Happened matter={matter.id} />
              <p className="faint tiny matter-made">
                {t.created} <Time at={matter.created_at} /> {t.by} {matter.created_by}
              </p>
            </Card>
          </div>
        </div>
        {closing && (
          <Confirm
            title={matter.is_closed ? t.reopen : t.close}
            act={matter.is_closed ? t.reopen : t.close}
            kind="primary"
            run={() => change(!matter.is_closed)}
            onClose={() => setClosing(false)}
          >
            <p>{t.closeWhy(matter.name, matter.holds)}</p>
          </Confirm>
        )}
      </Page>
    </Zone>
  );
}
