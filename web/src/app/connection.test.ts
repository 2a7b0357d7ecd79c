import { QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api } from "../api/calls";
import { watchConnection } from "./connection";
import { queryClient } from "./queries";

/** The client takes these when it is made. */
const { answers, asked } = vi.hoisted(() => {
  const answers: (() => Promise<Response>)[] = [];
  const asked: string[] = [];
  const whole = (url: string | URL | Request) =>
    typeof url === "string" ? `http://archive.test${url}` : url;
  const Plain = globalThis.Request;
  globalThis.Request = class extends Plain {
    constructor(url: string | URL | Request, init?: RequestInit) {
      super(whole(url), init);
    }
  };
  globalThis.fetch = (input) => {
    asked.push(new URL(input instanceof Plain ? input.url : `${whole(input)}`).pathname);
    return (answers.shift() ?? (() => Promise.resolve(Response.json({ matters: [] }))))();
  };
  return { answers, asked };
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const away = () => Promise.reject(new TypeError("Failed to fetch"));
const proxy = () => Promise.resolve(new Response("<h1>Bad gateway</h1>", { status: 502 }));
const healthy = () => Promise.resolve(new Response("alive"));

test("what failed while nothing answered is asked for again, once something does", async () => {
  watchConnection();
  answers.push(away, away, proxy, healthy);
  const observer = new QueryObserver(queryClient, {
    queryKey: ["matters"],
    queryFn: api.matters,
    retry: false,
  });
  const unsubscribe = observer.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(10);
  expect(observer.getCurrentResult().error).toMatchObject({ code: "offline" });
  await vi.advanceTimersByTimeAsync(7000);
  expect(observer.getCurrentResult().data).toEqual({ matters: [] });
  expect(asked).toEqual(["/api/v1/matters", "/healthz", "/healthz", "/healthz", "/api/v1/matters"]);
  unsubscribe();
});

test("of an act that nothing answered it is not said that it was not done", async () => {
  answers.push(away, away, healthy);
  const act = await api.addMatter({ name: "a", reference: "", zone: "UTC" }).catch((error) => error);
  expect(act).toMatchObject({ code: "offline", hint: expect.stringContaining("not known whether") });
  const look = await api.search({ query: "a" }).catch((error) => error);
  expect(look).toMatchObject({ code: "offline", hint: expect.stringContaining("asked again") });
});
