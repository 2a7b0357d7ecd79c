import { MutationObserver, QueryObserver } from "@tanstack/react-query";
import { afterEach, expect, test } from "vitest";
import { ApiError } from "../api/client";
import { changed, queryClient } from "./queries";

afterEach(() => queryClient.clear());

test("what an act made untrue is not shown again", () => {
  queryClient.setQueryData(["matter", 1, "holds"], "holds 12 families");
  queryClient.setQueryData(["matter", 2, "holds"], "of another matter");
  changed(1);
  expect(queryClient.getQueryData(["matter", 1, "holds"])).toBeUndefined();
  expect(queryClient.getQueryData(["matter", 2, "holds"])).toBe("of another matter");
});

test("what is in view stays until the server has answered", async () => {
  const queryKey = ["matter", 1, "holds", 3];
  let answer = "placed";
  const stop = new QueryObserver(queryClient, { queryKey, queryFn: async () => answer }).subscribe(() => {});
  await expect.poll(() => queryClient.getQueryData(queryKey)).toBe("placed");
  answer = "released";
  changed(1);
  expect(queryClient.getQueryData(queryKey)).toBe("placed");
  await expect.poll(() => queryClient.getQueryData(queryKey)).toBe("released");
  stop();
});

test("an act that somebody else outran has the page read again, and no mail looked at again", async () => {
  const queryKey = ["matter", 1, "holds", 4];
  let answer = "in force";
  const stop = new QueryObserver(queryClient, { queryKey, queryFn: async () => answer }).subscribe(() => {});
  await expect.poll(() => queryClient.getQueryData(queryKey)).toBe("in force");
  queryClient.setQueryData(["search", "a"], "hits");
  answer = "released";
  const refusal = (status: number) => () => Promise.reject(new ApiError(status, "refused", "no"));
  const act = (status: number) =>
    new MutationObserver(queryClient, { mutationFn: refusal(status) }).mutate().catch(() => {});
  await act(422);
  expect(queryClient.getQueryState(queryKey)?.isInvalidated).toBe(false);
  await act(409);
  await expect.poll(() => queryClient.getQueryData(queryKey)).toBe("released");
  expect(queryClient.getQueryState(["search", "a"])?.isInvalidated).toBe(false);
  stop();
});
