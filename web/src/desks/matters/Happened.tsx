// The newest acts in a matter, in words.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "../../api/calls";
import { s } from "../../strings";
import { Await } from "../../ui/Await";
import { MailText } from "../../ui/MailText";
import { plain } from "../../ui/mail";
import { Time } from "../../ui/values";

const FEW = 12;

/** Nouns and verbs of the audit. Who looks at mail is there too, a thousand times; the story is what was done. */
const ACTS = ["matter", "custodian", "hold.place", "hold.release", "password", "gap.retry", "export"];

async function story(matter: number) {
  const asked = await Promise.all(ACTS.map((action) => api.audit({ matter, action, limit: FEW })));
  const rows = asked.flatMap((answer) => answer.rows);
  return rows.sort((a, b) => b.id - a.id).slice(0, FEW);
}

export function Happened({ matter }: { matter: number }) {
  const acts = useQuery({
    queryKey: ["audit", "matter", matter],
    queryFn: () => story(matter),
    staleTime: 0,
  });
  return (
    <Await query={acts} lines={4}>
      {(shown) => (
        <>
          {!shown.length && <p className="faint small">{s.matters.happenedNone}</p>}
          <ol className="happened">
            {shown.map((row) => (
              <li key={row.id}>
                <span className="small">
                  <span className="strong">{row.actor}</span>{" "}
                  {(s.audit.actions[row.action] ?? row.action).toLowerCase()}
                </span>
                <span className="small quiet clip" title={plain(row.subject)}>
                  <MailText text={row.subject} />
                </span>
                <span className="faint tiny">
                  <Time at={row.at} />
                </span>
              </li>
            ))}
          </ol>
          <Link className="small" to="/audit" search={{ matter }}>
            {s.matters.wholeAudit}
          </Link>
        </>
      )}
    </Await>
  );
}
