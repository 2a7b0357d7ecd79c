// The names the app uses for what the API says. Only this file and calls.ts know the generated client.
import type { components } from "./schema";

type S = components["schemas"];
export type Me = S["Me"];
export type Role = Me["role"];
export type Status = S["Status"];
export type Person = S["Person"];
export type Matter = S["Matter"];
export type Custodian = S["Custodian"];
export type HoldBody = S["HoldBody"];
export type Hold = S["Hold"];
export type HoldPreview = S["HoldPreview"];
export type SearchBody = S["SearchBody"];
export type SearchPage = S["SearchPage"];
export type Hit = S["Hit"];
export type Message = S["Message"];
export type Participant = S["Participant"];
export type DeliveryView = S["DeliveryView"];
export type Attachment = S["Attachment"];
export type Proof = S["Proof"];
export type Job = S["Job"];
export type ExportBody = S["ExportBody"];
export type AuditRow = S["AuditRow"];
export type DateKind = HoldBody["date_kind"];
