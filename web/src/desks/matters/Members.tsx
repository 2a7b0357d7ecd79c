// Who may work in the matter.
import type { Matter } from "../../api/types";
import { s } from "../../strings";
import { Icon } from "../../ui/icons";
import { Card } from "../../ui/Page";

export function Members({ matter }: { matter: Matter; me: string }) {
  return (
    <Card title={s.matters.members}>
      <ul className="stack stack-tight">
        {matter.members.map((member) => (
          <li key={member.id} className="row small">
            <span className="faint">
              <Icon name="user" />
            </span>
            {member.name}
          </li>
        ))}
      </ul>
    </Card>
  );
}
