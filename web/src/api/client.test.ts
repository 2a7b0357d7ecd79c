import { expect, test } from "vitest";
import { failure } from "./client";

const refused = (error: object) => failure(Response.json({ error }, { status: 422 }));

test("what a query should have been is taken from the answer, where it is there", async () => {
  const error = { code: "query", message: "mixed", hint: "use parentheses", span: [0, 4] };
  expect(await refused({ ...error, rewrite: "a OR (b AND c)" })).toMatchObject({ rewrite: "a OR (b AND c)" });
  expect((await refused(error)).rewrite).toBeUndefined();
  expect((await refused({ ...error, rewrite: null })).rewrite).toBeUndefined();
});
