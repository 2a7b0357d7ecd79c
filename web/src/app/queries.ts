// What is asked of the server, under which key it is kept, and for how long it stays right.
import { MutationCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { api } from "../api/calls";
import { ApiError, isDamaged } from "../api/client";
import type { Disposition, Me, Retry } from "../api/types";
import { sentence } from "../ui/format";

const isKnown = (error: unknown) => error instanceof ApiError && error.status >= 400 && error.status < 500;

/** Somebody else has acted meanwhile: what is shown is no longer so. */
export const isOutrun = (error: unknown) =>
  error instanceof ApiError && (error.status === 409 || error.status === 404);

/** Not asked again by themselves: each is a look at mail that the audit has, or is who is signed in. */
const LOOKS = [
  "session",
  "search",
  "message",
  "source",
  "proof",
  "complete",
  "hold-preview",
  "gaps",
  "terms",
  "terms-draft",
];

export const queryClient: QueryClient = new QueryClient({
  mutationCache: new MutationCache({
    onError: (error) => {
      if (!isOutrun(error)) return;
      const isShown = ({ queryKey }: { queryKey: readonly unknown[] }) =>
        !LOOKS.includes(String(queryKey[0]));
      queryClient.removeQueries({ predicate: isShown, type: "inactive" });
      void queryClient.invalidateQueries({ predicate: isShown });
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (n, error) => n < 1 && !isKnown(error) && !isDamaged(error),
      refetchOnWindowFocus: false,
      // Whether the archive can be reached is found by asking it, not by what the browser believes.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

/** Drops all that was asked for so far, but who is signed in. */
export function forget() {
  queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  queryClient.getMutationCache().clear();
}

export const q = {
  session: queryOptions({
    queryKey: ["session"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: (): Promise<Me | null> => api.session(),
  }),
  status: queryOptions({
    queryKey: ["status"],
    queryFn: api.status,
    refetchInterval: 5_000,
    staleTime: 2_000,
  }),
  people: queryOptions({ queryKey: ["people"], queryFn: api.people }),
  matters: queryOptions({ queryKey: ["matters"], queryFn: api.matters }),
  matter: (id: number) => queryOptions({ queryKey: ["matter", id], queryFn: () => api.matter(id) }),
  custodians: (id: number) =>
    queryOptions({ queryKey: ["matter", id, "custodians"], queryFn: () => api.custodians(id) }),
  holds: (id: number) => queryOptions({ queryKey: ["matter", id, "holds"], queryFn: () => api.holds(id) }),
  hold: (id: number, hid: number) =>
    queryOptions({ queryKey: ["matter", id, "holds", hid], queryFn: () => api.hold(id, hid) }),
  message: (id: number, matter: number | null, version?: string) =>
    queryOptions({
      queryKey: ["message", id, matter, version],
      queryFn: () => api.message(id, matter, version),
      staleTime: 60_000,
    }),
  source: (id: number, matter: number | null, version?: string) =>
    queryOptions({
      queryKey: ["source", id, matter, version],
      queryFn: () => api.source(id, matter, version),
      staleTime: 600_000,
    }),
  thread: (id: number, matter: number | null) =>
    queryOptions({
      queryKey: ["message", id, matter, "thread"],
      queryFn: () => api.thread(id, matter),
      staleTime: 60_000,
    }),
  near: (id: number, matter: number | null) =>
    queryOptions({
      queryKey: ["message", id, matter, "near"],
      queryFn: () => api.near(id, matter),
      staleTime: 60_000,
    }),
  proof: (id: number, matter: number | null, delivery?: number) =>
    queryOptions({
      queryKey: ["proof", id, matter, delivery],
      queryFn: () => api.proof(id, matter, delivery),
      staleTime: 0,
      gcTime: 0,
      refetchInterval: (query) => (query.state.data?.pending ? 1000 : false),
    }),
  exports: (matter?: number) =>
    queryOptions({
      queryKey: ["exports", matter],
      queryFn: () => api.exports(matter),
      refetchInterval: (query) =>
        query.state.data?.exports.some((job) => job.state === "queued" || job.state === "running")
          ? 700
          : false,
    }),
  retries: (matter?: number) =>
    queryOptions({
      queryKey: ["retries", matter],
      queryFn: () => api.retries(matter),
      refetchInterval: (query) => (query.state.data?.retries.some(isReading) ? 700 : false),
    }),
  passwords: (id: number) =>
    queryOptions({ queryKey: ["matter", id, "passwords"], queryFn: () => api.passwords(id) }),
  epochs: queryOptions({ queryKey: ["records", "epochs"], queryFn: api.epochs }),
  classes: queryOptions({ queryKey: ["records", "classes"], queryFn: api.classes }),
  dispositions: queryOptions({
    queryKey: ["records", "dispositions"],
    queryFn: api.dispositions,
    refetchInterval: (query) => (query.state.data?.dispositions.some(isUnderWay) ? 1000 : false),
  }),
};

/** One that is not at its end. */
export const isReading = ({ state }: Retry) => state === "queued" || state === "running";

/** One that goes on by itself. */
export const isUnderWay = ({ state, stopped }: Disposition) =>
  (state === "approved" || state === "destroying") && stopped === null;

/** What the server said, for a form's foot; field errors go under their field. */
export const said = (error: unknown) =>
  error instanceof ApiError
    ? [error.message, error.hint ?? ""].filter(Boolean).map(sentence).join(" ")
    : error
      ? String(error)
      : undefined;

/**
 * After an act in a matter: what it is, what happened in it, and what can be found in it. What is in view stays
 * until the server has answered; a page that is opened next never shows how things were before the act.
 */
export function changed(matter: number) {
  for (const queryKey of [["matter", matter], ["matters"], ["audit"]]) {
    queryClient.removeQueries({ queryKey, type: "inactive" });
    void queryClient.invalidateQueries({ queryKey });
  }
  queryClient.removeQueries({ queryKey: ["search"] });
  queryClient.removeQueries({ queryKey: ["message"] });
}

/** After somebody asked for a reading of gaps, or cancelled one. */
export function asked(matter: number | undefined) {
  for (const queryKey of [["retries", matter], ["audit"]]) {
    queryClient.removeQueries({ queryKey, type: "inactive" });
    void queryClient.invalidateQueries({ queryKey });
  }
}

/** After an act on a disposition. */
export function decided() {
  for (const queryKey of [["records"], ["audit"]]) {
    queryClient.removeQueries({ queryKey, type: "inactive" });
    void queryClient.invalidateQueries({ queryKey });
  }
}
