// The frame around every desk: who is signed in decides which desks there are. Not signed in: sign-in.
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";
import { api } from "../api/calls";
import type { Me } from "../api/types";
import { SignIn } from "../desks/sign-in/SignIn";
import { s } from "../strings";
import { Empty, Failed, Skeleton } from "../ui/Await";
import { IconButton } from "../ui/Button";
import { Icon, type IconName } from "../ui/icons";
import { useKeys } from "../ui/keys";
import { useIsLost } from "./connection";
import { load } from "./load";
import { q } from "./queries";
import { isReader } from "./rights";
import { signedOut } from "./session";
import "./shell.css";
import { setTheme, type ThemeChoice, useThemeChoice } from "./theme";

const Overlays = lazy(() => load(() => import("./Overlays")));

const readers = ["legal", "reviewer", "auditor"] as const;
const everyone = [...readers, "administrator", "records"] as const;

export const desks = {
  search: { to: "/search", name: s.nav.search, icon: "search", key: "g s", roles: readers },
  matters: { to: "/matters", name: s.nav.matters, icon: "matter", key: "g m", roles: readers },
  exports: { to: "/exports", name: s.nav.exports, icon: "export", key: "g x", roles: ["legal"] },
  records: {
    to: "/records",
    name: s.nav.records,
    icon: "calendar",
    key: "g r",
    roles: ["records", "auditor"],
  },
  audit: {
    to: "/audit",
    name: s.nav.audit,
    icon: "audit",
    key: "g a",
    roles: everyone,
  },
  status: {
    to: "/status",
    name: s.nav.status,
    icon: "status",
    key: "g t",
    roles: everyone,
  },
  people: {
    to: "/people",
    name: s.nav.people,
    icon: "people",
    key: "g p",
    roles: ["administrator"],
  },
} as const satisfies Record<
  string,
  { to: string; name: string; icon: IconName; key: string; roles: readonly string[] }
>;
export const desksOf = (me: Me) =>
  Object.values(desks).filter((d) => (d.roles as readonly string[]).includes(me.role));

export function Shell() {
  const session = useQuery(q.session);
  if (session.isError && session.data === undefined)
    return <Failed error={session.error} retry={() => session.refetch()} />;
  if (session.data === undefined) return <Skeleton />;
  if (session.data === null || session.data.must_change)
    return (
      <>
        <Lost />
        <SignIn me={session.data} />
      </>
    );
  return <Frame key={session.data.name} me={session.data} />;
}

function Frame({ me }: { me: Me }) {
  const [overlay, setOverlay] = useState<"keys" | "palette" | null>(null);
  const navigate = useNavigate();
  const mine = desksOf(me);
  const path = useLocation({ select: (location) => location.pathname });
  const here = Object.values(desks).find(({ to }) => path === to || path.startsWith(`${to}/`));
  const goes = Object.fromEntries(mine.map((d) => [d.key, () => void navigate({ to: d.to })]));
  useKeys({
    ...goes,
    ...(isReader(me.role) ? { "g h": () => void navigate({ to: "/matters" }) } : {}),
    "?": () => setOverlay("keys"),
    "ctrl k": () => setOverlay("palette"),
  });
  return (
    <div className="frame">
      <a className="skip" href="#desk">
        {s.nav.skip}
      </a>
      <header className="topbar">
        <Link to="/" className="brand">
          <svg width="18" height="18" viewBox="0 0 32 32" aria-hidden="true">
            <path
              d="M5 25V7l11 9.500L27 7v18"
              fill="none"
              stroke="currentColor"
              strokeWidth="3.600"
              strokeLinejoin="round"
              strokeLinecap="round"
            />
            <path d="M5 30h22" stroke="var(--hold)" strokeWidth="2.600" strokeLinecap="round" />
          </svg>
          <span>{s.product}</span>
        </Link>
        <nav aria-label={s.nav.desks} className="desks">
          {mine.map((desk) => (
            <Link
              key={desk.to}
              to={desk.to}
              className="desk-link"
              activeProps={{ className: "desk-link is-here" }}
            >
              {desk.name}
            </Link>
          ))}
        </nav>
        <div className="row row-tight end">
          <Lag />
          <button type="button" className="palette-open" onClick={() => setOverlay("palette")}>
            <Icon name="search" size={14} />
            <span>{s.nav.palette}</span>
            <kbd>Ctrl K</kbd>
          </button>
          <IconButton icon="keys" label={s.nav.keys} onPress={() => setOverlay("keys")} />
          <Account me={me} />
        </div>
      </header>
      <Lost />
      <main id="desk" className="desk" tabIndex={-1}>
        {here && !mine.includes(here) ? (
          <Empty isPage icon="hold" title={s.ui.forbidden}>
            {s.ui.forbiddenWhy[me.role]}
          </Empty>
        ) : (
          <Outlet />
        )}
      </main>
      {overlay && (
        <Suspense>
          <Overlays
            which={overlay}
            me={me}
            onClose={() => setOverlay(null)}
            onKeys={() => setOverlay("keys")}
          />
        </Suspense>
      )}
    </div>
  );
}

/** Shown only while nothing answers. */
function Lost() {
  const isLost = useIsLost();
  return (
    <div role="status">
      {isLost && (
        <p className="lost">
          <Icon name="alert" />
          {s.ui.lostNow}
        </p>
      )}
    </div>
  );
}

/** Shown only while something that was received can't be found yet. */
function Lag() {
  const status = useQuery(q.status);
  const behind = status.data?.index.behind ?? 0;
  if (behind === 0) return null;
  return (
    <Link to="/status" className="lag">
      <i />
      {s.search.behind(behind)}
    </Link>
  );
}

function Account({ me }: { me: Me }) {
  const theme = useThemeChoice();
  const act = async (key: string) => {
    if (key === "out") {
      await api.signOut();
      signedOut();
    } else setTheme(key as ThemeChoice);
  };
  const themes: [ThemeChoice, string, IconName][] = [
    ["system", s.nav.themeSystem, "screen"],
    ["light", s.nav.themeLight, "sun"],
    ["dark", s.nav.themeDark, "moon"],
  ];
  return (
    <MenuTrigger>
      <Button className="account" aria-label={`${s.nav.you}: ${me.display_name}`}>
        <Icon name="user" />
        <span className="clip">{me.display_name}</span>
        <Icon name="down" size={12} />
      </Button>
      <Popover className="popover" placement="bottom end" offset={4}>
        <Menu className="options" onAction={(key) => void act(String(key))} aria-label={s.nav.you}>
          <MenuItem id="who" isDisabled className="option-head" textValue={me.name}>
            {me.name} · {s.nav.roles[me.role]}
          </MenuItem>
          {themes.map(([id, name, icon]) => (
            <MenuItem key={id} id={id} className="option" textValue={`${s.nav.theme}: ${name}`}>
              <Icon name={icon} /> {name}
              {theme === id && (
                <span className="end">
                  <Icon name="check" />
                </span>
              )}
            </MenuItem>
          ))}
          <Separator className="option-line" />
          <MenuItem id="out" className="option">
            {s.nav.signOut}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
