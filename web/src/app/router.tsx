// Every address of the app. Desks load when they are first opened.

import { useSuspenseQuery } from "@tanstack/react-query";
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
} from "@tanstack/react-router";
import type { GapsAsked } from "../api/types";
import { s } from "../strings";
import { Empty, Failed, Skeleton } from "../ui/Await";
import { useReturn } from "./connection";
import { isUnloaded, load, reload } from "./load";
import { q } from "./queries";
import { Shell } from "./Shell";

export interface SearchState {
  matter?: number;
  q?: string;
  /** KQL unless said. */
  dialect?: "dtsearch";
  from?: string;
  until?: string;
  by?: "sent" | "received";
  sender?: string;
  recipient?: string;
  custodian?: number;
  m?: number;
  tab?: string;
}

const text = (value: unknown) =>
  value === undefined || value === null || value === "" ? undefined : String(value);
const id = (value: unknown) =>
  Number.isSafeInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;
const day = (value: unknown) => (/^\d{4}-\d{2}-\d{2}$/.test(String(value)) ? String(value) : undefined);
/** Drops what is not set, so that links stay short. */
const tidy = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Empty isPage title={s.ui.lost}>
      {s.ui.lostWhy}
    </Empty>
  ),
});

const homes = {
  legal: "/search",
  reviewer: "/search",
  records: "/records",
  auditor: "/audit",
  administrator: "/status",
} as const;
function Home() {
  const { data: me } = useSuspenseQuery(q.session);
  return <Navigate to={homes[me?.role ?? "legal"]} replace />;
}

const home = createRoute({ getParentRoute: () => root, path: "/", component: Home });
const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: (raw: Record<string, unknown>): SearchState =>
    tidy({
      matter: id(raw.matter),
      q: text(raw.q),
      dialect: raw.dialect === "dtsearch" ? raw.dialect : undefined,
      from: day(raw.from),
      until: day(raw.until),
      by: raw.by === "sent" || raw.by === "received" ? raw.by : undefined,
      sender: text(raw.sender),
      recipient: text(raw.recipient),
      custodian: id(raw.custodian),
      m: id(raw.m),
      tab: text(raw.tab),
    }),
  component: lazyRouteComponent(() => load(() => import("../desks/search/SearchDesk")), "SearchDesk"),
});
const matters = createRoute({
  getParentRoute: () => root,
  path: "/matters",
  validateSearch: (raw: Record<string, unknown>): { act?: "new" } =>
    tidy({ act: raw.act === "new" ? raw.act : undefined }),
  component: lazyRouteComponent(() => load(() => import("../desks/matters/MattersPage")), "MattersPage"),
});
const matter = createRoute({
  getParentRoute: () => root,
  path: "/matters/$id",
  validateSearch: (raw: Record<string, unknown>): { act?: "hold" } =>
    tidy({ act: raw.act === "hold" ? raw.act : undefined }),
  component: lazyRouteComponent(() => load(() => import("../desks/matters/MatterPage")), "MatterPage"),
});
const hold = createRoute({
  getParentRoute: () => root,
  path: "/matters/$id/holds/$hid",
  component: lazyRouteComponent(() => load(() => import("../desks/matters/HoldPage")), "HoldPage"),
});
const exports = createRoute({
  getParentRoute: () => root,
  path: "/exports",
  validateSearch: (raw: Record<string, unknown>): { id?: number } => tidy({ id: id(raw.id) }),
  component: lazyRouteComponent(() => load(() => import("../desks/exports/ExportsPage")), "ExportsPage"),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (
    raw: Record<string, unknown>,
  ): { matter?: number; actor?: string; action?: string; from?: string; until?: string; row?: number } =>
    tidy({
      row: id(raw.row),
      matter: id(raw.matter),
      actor: text(raw.actor),
      action: text(raw.action),
      from: day(raw.from),
      until: day(raw.until),
    }),
  component: lazyRouteComponent(() => load(() => import("../desks/audit/AuditPage")), "AuditPage"),
});
const status = createRoute({
  getParentRoute: () => root,
  path: "/status",
  component: lazyRouteComponent(() => load(() => import("../desks/status/StatusPage")), "StatusPage"),
});
const gaps = createRoute({
  getParentRoute: () => root,
  path: "/gaps",
  validateSearch: (raw: Record<string, unknown>): GapsAsked =>
    tidy({
      matter: id(raw.matter),
      reason: text(raw.reason),
      media_type: text(raw.media_type),
      source: text(raw.source),
      custodian: id(raw.custodian),
    }),
  component: lazyRouteComponent(() => load(() => import("../desks/gaps/GapsPage")), "GapsPage"),
});
export interface TermsState {
  matter?: number;
  dialect?: "dtsearch";
  from?: string;
  until?: string;
  by?: "sent" | "received";
}
const terms = createRoute({
  getParentRoute: () => root,
  path: "/search/terms",
  validateSearch: (raw: Record<string, unknown>): TermsState =>
    tidy({
      matter: id(raw.matter),
      dialect: raw.dialect === "dtsearch" ? raw.dialect : undefined,
      from: day(raw.from),
      until: day(raw.until),
      by: raw.by === "sent" || raw.by === "received" ? raw.by : undefined,
    }),
  component: lazyRouteComponent(() => load(() => import("../desks/terms/TermsPage")), "TermsPage"),
});
const records = createRoute({
  getParentRoute: () => root,
  path: "/records",
  validateSearch: (raw: Record<string, unknown>): { class?: string; epoch?: string } =>
    tidy({ class: text(raw.class), epoch: text(raw.epoch) }),
  component: lazyRouteComponent(() => load(() => import("../desks/records/RecordsPage")), "RecordsPage"),
});
const people = createRoute({
  getParentRoute: () => root,
  path: "/people",
  component: lazyRouteComponent(() => load(() => import("../desks/people/PeoplePage")), "PeoplePage"),
});

function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  const retry = isUnloaded(error) ? reload : reset;
  useReturn(retry);
  return <Failed error={error} retry={retry} />;
}

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    search,
    matters,
    matter,
    hold,
    exports,
    audit,
    status,
    gaps,
    terms,
    records,
    people,
  ]),
  defaultPendingComponent: () => <Skeleton />,
  defaultErrorComponent: Broken,
  defaultPendingMs: 150,
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
  interface HistoryState {
    /** The list that this message was opened from is one step back. */
    hasList?: boolean;
  }
}
