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
export type Counts = S["Facets"];
export type ReportBody = S["ReportRequest"];
export type TermReport = S["Report"];
export type TermList = S["TermList"];
export type TermLine = S["TermLine"];
export type Spread = S["Spread"];
export type FacetField = S["FacetField"];
export type Hit = S["Hit"];
export type Message = S["Message"];
export type Participant = S["Participant"];
export type DeliveryView = S["Delivery"];
export type Attachment = S["Attachment"];
export type Proof = S["Proof"];
export type ThreadMessage = S["ThreadMessage"];
export type NearMessage = S["NearMessage"];
export type Job = S["Job"];
export type ExportBody = S["ExportRequest"];
export type AuditRow = S["AuditEntry"];
export type Gap = S["UnindexedDocument"];
export type Gaps = S["Gaps"];
/** Which gaps: all of a matter, or of the archive, or those of which all of it is true. */
export interface GapsAsked {
  matter?: number;
  reason?: string;
  media_type?: string;
  source?: string;
  custodian?: number;
}
export type Retry = S["Retry"];
export type RetryBody = S["RetryRequest"];
export type DocumentPassword = S["DocumentPassword"];
export type DateKind = S["DateKind"];
export type Epoch = S["Epoch"];
export type RetentionClass = S["RetentionClass"];
export type Disposition = S["Disposition"];
