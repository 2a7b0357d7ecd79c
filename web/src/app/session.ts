// Who is signed in at this browser. What one person was shown, the next one in this tab never sees.
import { setCsrf, whenSignedOut } from "../api/client";
import type { Me } from "../api/types";
import { forget, q, queryClient } from "./queries";

/** Who was signed in here last, since the page was loaded. */
let last: string | undefined;
/** A cookie is of all tabs: each tells the others who is signed in now, or that nobody is. */
const tabs = typeof BroadcastChannel === "function" ? new BroadcastChannel("muniment.session") : undefined;

export function enter(me: Me) {
  forget();
  queryClient.setQueryData(q.session.queryKey, me);
  tabs?.postMessage(me.name);
}

export function leave() {
  forget();
  queryClient.setQueryData(q.session.queryKey, null);
}

export function signedOut() {
  leave();
  tabs?.postMessage(null);
}

/** Another person than was here before: the address is the former one's too, and is left. */
export const isAnother = (me: Me) => last !== undefined && last !== me.name;

export function watchSession() {
  whenSignedOut(leave);
  queryClient.getQueryCache().subscribe(({ query }) => {
    const me: Me | null | undefined = query.queryKey[0] === "session" ? query.state.data : undefined;
    if (!me) return;
    if (isAnother(me)) forget();
    last = me.name;
    setCsrf(me.csrf);
  });
  tabs?.addEventListener("message", ({ data: name }: MessageEvent<string | null>) => {
    if (name === null) leave();
    else if (last === undefined || last === name) void queryClient.invalidateQueries(q.session);
    else {
      leave();
      location.replace("/");
    }
  });
}
