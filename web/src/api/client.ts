// One fetch for the whole app: cookie session, CSRF header, and every failure as an ApiError.
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint?: string,
    readonly span?: [number, number],
    /** Of a query: all of it, so that it is understood. */
    readonly rewrite?: string,
  ) {
    super(message);
  }
}

/** What is stored is no longer what was sealed: asking again changes nothing. */
export const isDamaged = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.code === "damaged";

let csrf = "";
export function setCsrf(token: string) {
  csrf = token;
}

/** Nothing answered, or only a proxy did. */
export const isOffline = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.code === "offline";

/** What is done when nothing answers. */
let whenAway = () => {};
export function whenOffline(act: () => void) {
  whenAway = act;
}

/** What is done when an answer says that nobody is signed in any more. */
let whenOut = () => {};
export function whenSignedOut(act: () => void) {
  whenOut = act;
}

/** What the server said went wrong, or what can be said when it said nothing. */
export async function failure(response: Response): Promise<ApiError> {
  try {
    const { error } = await response.json();
    return new ApiError(
      response.status,
      error.code,
      error.message,
      error.hint ?? undefined,
      error.span ?? undefined,
      error.rewrite ?? undefined,
    );
  } catch {
    if (isProxys(response)) return offline();
    return new ApiError(response.status, "unknown", `The archive answered ${response.status}.`);
  }
}

/** The answer, if it is a good one. */
async function good(response: Response): Promise<Response> {
  if (response.ok) return response;
  const error = await failure(response);
  if (error.code === "not_signed_in") whenOut();
  throw error;
}

/** What a proxy says of a server that is away. */
const isProxys = (response: Response) => [502, 503, 504].includes(response.status);

/** `isAct`: it was asked to change something, and nobody knows whether it did. */
function offline(isAct = false) {
  whenAway();
  const hint = isAct
    ? "It is not known whether this was done. Look before you do it again."
    : "It is asked again until it answers. Nothing that you typed is lost.";
  return new ApiError(0, "offline", "The archive can't be reached.", hint);
}

/** What is asked with a body and changes nothing, or can be done twice. */
const LOOKS = /\/(search|search\/complete|search\/report|search\/report\/csv|preview|session)$/;

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrf) request.headers.set("x-muniment-csrf", csrf);
    return request;
  },
  async onResponse({ response }) {
    return good(response);
  },
  onError({ request }) {
    return offline(request.method !== "GET" && !LOOKS.test(new URL(request.url).pathname));
  },
};

export const client = createClient<paths>({ baseUrl: "/api/v1", credentials: "same-origin" });
client.use(guard);

/** A refused request has thrown in the middleware, so data is there. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** Whether the archive answers at all. */
export async function reach(): Promise<void> {
  const response = await fetch("/healthz", { cache: "no-store" }).catch(() => {
    throw offline();
  });
  if (isProxys(response)) throw offline();
}

/** The bytes that an address gives. */
export async function bytes(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url).catch(() => {
    throw offline();
  });
  return (await good(response)).arrayBuffer();
}
