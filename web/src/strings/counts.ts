import { count } from "../ui/format";

export const families = (n: number) => count(n, "family", "families");
export const messages = (n: number) => count(n, "message");
