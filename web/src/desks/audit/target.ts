// What an act was done to, as a place in the app, if those who look at the audit may go there.
import type { AuditRow } from "../../api/types";

export type Target =
  | { to: "/search"; search: { matter?: number; q?: string; m?: number } }
  | { to: "/exports"; search: { id: number } }
  | { to: "/matters/$id"; params: { id: string } }
  | { to: "/matters/$id/holds/$hid"; params: { id: string; hid: string } };

const id = (value: unknown) => (typeof value === "number" && value > 0 ? value : undefined);

export function target({ action, matter_id, detail, subject }: AuditRow): Target | undefined {
  const { set, job, hold } = detail as Record<string, unknown>;
  const [noun] = action.split(".");
  const matter = id(matter_id);
  if (noun === "message" && id(set)) return { to: "/search", search: { matter, m: id(set) } };
  if (noun === "search") return { to: "/search", search: { matter, q: subject || undefined } };
  const export_ = id(job);
  if (noun === "export" && export_) return { to: "/exports", search: { id: export_ } };
  if (!matter) return undefined;
  if (noun === "hold" && id(hold))
    return { to: "/matters/$id/holds/$hid", params: { id: String(matter), hid: String(hold) } };
  if (noun === "matter" || noun === "custodian" || noun === "hold")
    return { to: "/matters/$id", params: { id: String(matter) } };
  return undefined;
}
