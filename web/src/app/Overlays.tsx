// What lies over any desk: the list of keys, and the palette that goes anywhere.

import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import {
  Dialog as AriaDialog,
  Autocomplete,
  Input,
  Menu,
  MenuItem,
  Modal,
  ModalOverlay,
  SearchField,
  useFilter,
} from "react-aria-components";
import type { Me } from "../api/types";
import { s } from "../strings";
import { Dialog } from "../ui/Dialog";
import { isReader } from "./rights";
import "../ui/field.css";
import { Icon } from "../ui/icons";
import { type Act, actsHere } from "./acts";
import { q } from "./queries";
import { desksOf } from "./Shell";
import { setTheme } from "./theme";

interface Props {
  which: "keys" | "palette";
  me: Me;
  onClose: () => void;
  onKeys: () => void;
}

export default function Overlays({ which, me, onClose, onKeys }: Props) {
  return which === "keys" ? (
    <Keys onClose={onClose} />
  ) : (
    <Palette me={me} onClose={onClose} onKeys={onKeys} />
  );
}

function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={s.nav.keys} isOpen onClose={onClose} wide>
      <div className="key-groups">
        {s.keys.map(([group, keys]) => (
          <section key={group} className="stack">
            <h3>{group}</h3>
            <dl className="key-list">
              {keys.map(([key, does]) => (
                <div key={key} style={{ display: "contents" }}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Palette({ me, onClose, onKeys }: { me: Me; onClose: () => void; onKeys: () => void }) {
  const navigate = useNavigate();
  const { contains } = useFilter({ sensitivity: "base" });
  const matters = useQuery({ ...q.matters, enabled: isReader(me.role) });
  const [here] = useState(actsHere);
  const acts: Act[] = [
    ...here,
    ...desksOf(me).map((d) => ({
      id: d.to,
      name: d.name,
      icon: d.icon,
      note: d.key,
      run: (): void => void navigate({ to: d.to }),
    })),
    ...(matters.data?.matters ?? []).flatMap((m) => [
      {
        id: `s${m.id}`,
        name: s.nav.searchMatter(m.name),
        icon: "search" as const,
        note: m.reference,
        run: (): void => void navigate({ to: "/search", search: { matter: m.id } }),
      },
      {
        id: `m${m.id}`,
        name: s.nav.openMatter(m.name),
        icon: "matter" as const,
        note: m.reference,
        run: (): void => void navigate({ to: "/matters/$id", params: { id: String(m.id) } }),
      },
      ...(me.role === "legal" && m.custodians && !m.is_closed
        ? [
            {
              id: `h${m.id}`,
              name: s.nav.holdIn(m.name),
              icon: "hold" as const,
              note: m.reference,
              run: (): void =>
                void navigate({ to: "/matters/$id", params: { id: String(m.id) }, search: { act: "hold" } }),
            },
          ]
        : []),
    ]),
    ...(me.role === "legal"
      ? [
          {
            id: "new-matter",
            name: s.matters.new,
            icon: "plus" as const,
            run: (): void => void navigate({ to: "/matters", search: { act: "new" } }),
          },
        ]
      : []),
    {
      id: "system",
      name: `${s.nav.theme}: ${s.nav.themeSystem}`,
      icon: "screen",
      run: (): void => setTheme("system"),
    },
    {
      id: "light",
      name: `${s.nav.theme}: ${s.nav.themeLight}`,
      icon: "sun",
      run: (): void => setTheme("light"),
    },
    {
      id: "dark",
      name: `${s.nav.theme}: ${s.nav.themeDark}`,
      icon: "moon",
      run: (): void => setTheme("dark"),
    },
    { id: "keys", name: s.nav.keys, icon: "keys", note: "?", run: onKeys },
  ];
  return (
    <ModalOverlay className="scrim" isOpen onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className="modal palette">
        {/* The field would first clear itself. */}
        <AriaDialog aria-label={s.nav.palette} className="dialog">
          <div
            className="palette-in"
            onKeyDownCapture={(event) => {
              if (event.key === "Escape") {
                event.stopPropagation();
                onClose();
              }
            }}
          >
            <Autocomplete filter={contains}>
              <SearchField aria-label={s.nav.palette} autoFocus>
                <Input className="control" placeholder={s.nav.paletteHint} />
              </SearchField>
              <Menu
                className="options"
                aria-label={s.nav.palette}
                items={acts}
                renderEmptyState={() => <p className="quiet small card-body">{s.nav.paletteNone}</p>}
                onAction={(key) => {
                  onClose();
                  acts.find((a) => a.id === key)?.run();
                }}
              >
                {(act) => (
                  <MenuItem id={act.id} textValue={act.name} className="option">
                    <Icon name={act.icon} />
                    <span className="clip">{act.name}</span>
                    {act.note && <span className="faint tiny end">{act.note}</span>}
                  </MenuItem>
                )}
              </Menu>
            </Autocomplete>
          </div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
