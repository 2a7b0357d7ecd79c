// Who may work in the matter. A matter keeps at least one member.

import { useMutation, useQuery } from "@tanstack/react-query";
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { api } from "../../api/calls";
import type { Matter } from "../../api/types";
import { changed, q } from "../../app/queries";
import { isReader, useLeads } from "../../app/rights";
import { s } from "../../strings";
import { IconButton } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Card } from "../../ui/Page";
import { Refusal } from "../../ui/Refusal";

const t = s.matters;

export function Members({ matter }: { matter: Matter }) {
  const leads = useLeads();
  const people = useQuery({ ...q.people, enabled: leads });
  const set = useMutation({
    mutationFn: (members: number[]) => api.changeMatter(matter.id, { members }),
    onSettled: () => changed(matter.id),
  });
  const ids = matter.members.map((m) => m.id);
  const others = (people.data?.people ?? []).filter(
    (p) => isReader(p.role) && !p.is_disabled && !ids.includes(p.id),
  );
  return (
    <Card
      title={t.members}
      acts={
        leads &&
        others.length > 0 && (
          <MenuTrigger>
            <AriaButton className="button button-quiet">
              <Icon name="plus" />
              {t.addMember}
            </AriaButton>
            <Popover className="popover" placement="bottom end">
              <Menu
                className="options"
                aria-label={t.addMember}
                onAction={(key) => set.mutate([...ids, Number(key)])}
              >
                {others.map((person) => (
                  <MenuItem key={person.id} id={person.id} className="option">
                    {person.display_name}
                  </MenuItem>
                ))}
              </Menu>
            </Popover>
          </MenuTrigger>
        )
      }
    >
      <ul>
        {matter.members.map((member) => (
          <li key={member.id} className="row small member">
            <span className="faint">
              <Icon name="user" />
            </span>
            <span className="grow">{member.name}</span>
            {leads && ids.length > 1 && (
              <IconButton
                icon="x"
                label={t.removeMember(member.name)}
                onPress={() => set.mutate(ids.filter((id) => id !== member.id))}
              />
            )}
          </li>
        ))}
      </ul>
      <Refusal error={set.error} />
    </Card>
  );
}
