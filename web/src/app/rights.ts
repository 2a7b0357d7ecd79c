// What the one who is signed in may do. The server decides; this only says what to offer.
import { useQuery } from "@tanstack/react-query";
import type { Role } from "../api/types";
import { q } from "./queries";

/** Those who can be members of matters, and read there. */
const READERS: readonly Role[] = ["legal", "reviewer", "auditor"];
/** Those who can be given the right to search outside matters. */
const WIDE: readonly Role[] = ["legal", "auditor"];

export const isReader = (role: Role | undefined) => role !== undefined && READERS.includes(role);
export const mayBeWide = (role: Role) => WIDE.includes(role);

/** Whether they lead matters: place holds, export, and say who and what is in them. */
export const useLeads = () => useQuery(q.session).data?.role === "legal";
/** Whether they decide what is destroyed. */
export const useDestroys = () => useQuery(q.session).data?.role === "records";
