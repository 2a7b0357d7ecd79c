// The names the app uses for what the API says. Only this file and calls.ts know the generated client.
import type { components } from "./schema";

type S = components["schemas"];
export type Me = S["Me"];
export type Role = S["Role"];
export type Status = S["Status"];
export type Person = S["Person"];
export type Matter = S["Matter"];
export type Custodian = S["Custodian"];
export type HoldBody = S["HoldRequest"];
export type Hold = S["Hold"];
export type HoldPreview = S["Preview"];
export type SearchBody = S["SearchRequest"];
export type SearchPage = S["Results"];
export type Hit = S["Hit"];
export type Message = S["Message"];
export type Participant = S["Participant"];
export type DeliveryView = S["Delivery"];
export type Attachment = S["Attachment"];
export type Proof = S["Proof"];
export type ThreadMessage = S["ThreadMessage"];
export type Job = S["Job"];
export type ExportBody = S["ExportRequest"];
export type AuditRow = S["AuditEntry"];
export type DateKind = S["DateKind"];
