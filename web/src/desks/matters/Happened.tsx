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
/** Looks are in the audit; the story of a matter is its acts. */
const LOOKS = new Set(["message.html", "message.source", "message.open", "hold.items", "hold.preview"]);

export function Happened({ matter }: { matter: number }) {
  const acts = useQuery({
    queryKey: ["audit", "matter", matter],
    queryFn: () => api.audit({ matter, limit: 60 }),
    staleTime: 0,
  });
  return (
    <Await query={acts} lines={4}>
      {({ rows }) => {
        const shown = rows.filter((row) => !LOOKS.has(row.action)).slice(0, FEW);
        return (
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
        );
      }}
    </Await>
  );
}
