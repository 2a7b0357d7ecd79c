// Every call the app makes, one line each.
import { client, data } from "./client";
import type { ExportBody, GapsAsked, HoldBody, ReportBody, RetryBody, Role, SearchBody } from "./types";

const at = (id: number) => ({ params: { path: { id } } });
const on = (id: number, matter: number | null, version?: string) => ({
  params: { path: { id }, query: { matter: matter ?? undefined, version } },
});

export const api = {
  session: () => data(client.GET("/session")),
  signIn: (name: string, password: string) => data(client.POST("/session", { body: { name, password } })),
  signOut: () => client.DELETE("/session"),
  changePassword: (current: string, next: string) =>
    data(client.POST("/session/password", { body: { current, new: next } })),

  status: () => data(client.GET("/status")),

  people: () => data(client.GET("/people")),
  addPerson: (body: { name: string; display_name: string; role: Role; is_archive_wide: boolean }) =>
    data(client.POST("/people", { body })),
  changePerson: (id: number, body: { is_disabled?: boolean; is_archive_wide?: boolean }) =>
    data(client.PATCH("/people/{id}", { ...at(id), body })),
  grantPerson: (id: number) => data(client.POST("/people/{id}/grant", at(id))),
  denyPerson: (id: number) => data(client.POST("/people/{id}/deny", at(id))),
  resetPassword: (id: number) => data(client.POST("/people/{id}/reset", at(id))),

  matters: () => data(client.GET("/matters")),
  matter: (id: number) => data(client.GET("/matters/{id}", at(id))),
  addMatter: (body: { name: string; reference: string; zone: string }) =>
    data(client.POST("/matters", { body })),
  changeMatter: (
    id: number,
    body: { name?: string; reference?: string; zone?: string; is_closed?: boolean; members?: number[] },
  ) => data(client.PATCH("/matters/{id}", { ...at(id), body })),
  custodians: (id: number) => data(client.GET("/matters/{id}/custodians", at(id))),
  addCustodian: (id: number, body: { name: string; addresses: string[] }) =>
    data(client.POST("/matters/{id}/custodians", { ...at(id), body })),
  changeCustodian: (id: number, cid: number, body: { name: string; addresses: string[] }) =>
    data(client.PATCH("/matters/{id}/custodians/{cid}", { params: { path: { id, cid } }, body })),
  removeCustodian: (id: number, cid: number) =>
    client.DELETE("/matters/{id}/custodians/{cid}", { params: { path: { id, cid } } }),

  holds: (id: number) => data(client.GET("/matters/{id}/holds", at(id))),
  hold: (id: number, hid: number) =>
    data(client.GET("/matters/{id}/holds/{hid}", { params: { path: { id, hid } } })),
  previewHold: (id: number, body: HoldBody) =>
    data(client.POST("/matters/{id}/holds/preview", { ...at(id), body })),
  placeHold: (id: number, body: HoldBody) => data(client.POST("/matters/{id}/holds", { ...at(id), body })),
  heldItems: (id: number, hid: number, cursor?: string, limit?: number) =>
    data(
      client.GET("/matters/{id}/holds/{hid}/items", {
        params: { path: { id, hid }, query: { cursor, limit } },
      }),
    ),
  releaseHold: (id: number, hid: number, reason: string) =>
    data(
      client.POST("/matters/{id}/holds/{hid}/release", {
        params: { path: { id, hid } },
        body: { reason },
      }),
    ),

  search: (body: SearchBody) => data(client.POST("/search", { body })),
  facets: (body: SearchBody) => data(client.POST("/search/facets", { body })),
  report: (body: ReportBody) => data(client.POST("/search/report", { body })),
  reportTable: (body: ReportBody) => data(client.POST("/search/report/csv", { body, parseAs: "text" })),
  complete: (matter: number | null, prefix: string) =>
    data(client.POST("/search/complete", { body: { matter_id: matter, field: "address", prefix } })),

  message: (id: number, matter: number | null, version?: string) =>
    data(client.GET("/messages/{id}", on(id, matter, version))),
  source: (id: number, matter: number | null, version?: string) =>
    data(client.GET("/messages/{id}/source", { ...on(id, matter, version), parseAs: "text" })),
  thread: (id: number, matter: number | null) => data(client.GET("/messages/{id}/thread", on(id, matter))),
  near: (id: number, matter: number | null) => data(client.GET("/messages/{id}/near", on(id, matter))),
  proof: (id: number, matter: number | null, delivery?: number) =>
    data(
      client.GET("/messages/{id}/proof", {
        params: { path: { id }, query: { matter: matter ?? undefined, delivery } },
      }),
    ),

  exports: (matter?: number) => data(client.GET("/exports", { params: { query: { matter } } })),
  addExport: (body: ExportBody) => data(client.POST("/exports", { body })),
  cancelExport: (id: number) => data(client.POST("/exports/{id}/cancel", at(id))),

  gaps: (query: GapsAsked & { cursor?: string; limit?: number }) =>
    data(client.GET("/gaps", { params: { query } })),
  retries: (matter?: number) => data(client.GET("/gaps/retries", { params: { query: { matter } } })),
  addRetry: (body: RetryBody) => data(client.POST("/gaps/retries", { body })),
  cancelRetry: (id: number) => data(client.POST("/gaps/retries/{id}/cancel", at(id))),

  passwords: (id: number) => data(client.GET("/matters/{id}/passwords", at(id))),
  addPassword: (id: number, password: string) =>
    data(client.POST("/matters/{id}/passwords", { ...at(id), body: { password } })),
  removePassword: (id: number, pid: number) =>
    client.DELETE("/matters/{id}/passwords/{pid}", { params: { path: { id, pid } } }),

  epochs: () => data(client.GET("/epochs")),
  classes: () => data(client.GET("/classes")),
  dispositions: () => data(client.GET("/dispositions")),
  propose: (body: { class: string; epoch: string }) => data(client.POST("/dispositions", { body })),
  approve: (id: number, reason: string) =>
    data(client.POST("/dispositions/{id}/approve", { ...at(id), body: { reason } })),
  refuse: (id: number, reason: string) =>
    data(client.POST("/dispositions/{id}/refuse", { ...at(id), body: { reason } })),
  resume: (id: number) => data(client.POST("/dispositions/{id}/resume", at(id))),

  audit: (query: {
    matter?: number;
    actor?: string;
    action?: string;
    from?: string;
    until?: string;
    cursor?: string;
    limit?: number;
  }) => data(client.GET("/audit", { params: { query } })),
};

/** Addresses that the browser itself opens: downloads and the sandboxed frame. */
const inMatter = (matter: number | null, version?: string) => {
  const query = [matter === null ? "" : `matter=${matter}`, version ? `version=${version}` : ""]
    .filter(Boolean)
    .join("&");
  return query ? `?${query}` : "";
};
export const links = {
  html: (id: number, matter: number | null, version?: string) =>
    `/api/v1/messages/${id}/html${inMatter(matter, version)}`,
  source: (id: number, matter: number | null, version?: string) =>
    `/api/v1/messages/${id}/source${inMatter(matter, version)}`,
  download: (id: number, matter: number | null, version?: string) =>
    `/api/v1/messages/${id}/download${inMatter(matter, version)}`,
  /** One that carried the message, as it was received. */
  delivery: (id: number, seq: number, matter: number | null) =>
    `/api/v1/messages/${id}/delivery?delivery=${seq}${matter === null ? "" : `&matter=${matter}`}`,
  attachment: (id: number, ordinal: number, matter: number | null, version?: string) =>
    `/api/v1/messages/${id}/attachments/${ordinal}${inMatter(matter, version)}`,
  export: (id: number) => `/api/v1/exports/${id}/download`,
  /** The gaps as a table. */
  gaps: (asked: GapsAsked) => {
    const set = Object.entries(asked).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    return `/api/v1/gaps/list?${new URLSearchParams(set)}`;
  },
  certificate: (id: number) => `/api/v1/dispositions/${id}/certificate`,
  /** A checkpoint of the log, and the time stamp of one: to be kept outside. */
  checkpoint: (size: number) => `/api/v1/log/checkpoint?size=${size}`,
  stamp: (size: number) => `/api/v1/log/stamp?size=${size}`,
};
