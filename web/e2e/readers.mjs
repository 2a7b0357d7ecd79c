// Who only reads: a reviewer in the matter that lets them in, an auditor the acts of all. Nothing that
// they could not do is offered to them, and the server refuses it too.
import assert from "node:assert/strict";
import { gone, seen, signIn, signOut } from "./journeys.mjs";
import { firstSignIn, PASSWORD } from "./records.mjs";

const desks = (page) => page.getByRole("navigation", { name: "Desks" }).getByRole("link").allTextContents();

async function enter(page, name) {
  await signIn(page, name, PASSWORD);
  await seen(page.getByRole("navigation", { name: "Desks" }));
  await page.goto("/matters");
  await page.getByText("Regatta").first().click();
}

async function refused(page, path, data) {
  const csrf = (await (await page.request.get("/api/v1/session")).json()).csrf;
  const answer = await page.request.post(`/api/v1${path}`, { headers: { "x-muniment-csrf": csrf }, data });
  assert.equal(answer.status(), 403, path);
}

/** In the archive in which something was destroyed. */
export async function readers({ page }, archive, check) {
  await firstSignIn(page, archive, "ravi", "reviewer");
  await seen(page.getByText("Who leads a matter makes you a member of it."));
  assert.deepEqual(await desks(page), ["Search", "Matters", "Audit", "Status"]);
  assert.equal(await page.getByRole("link", { name: "Open a matter" }).count(), 0);
  await check("reviewer-outside");
  await signOut(page);

  await enter(page, "lea");
  await page.getByRole("button", { name: "Add member" }).click();
  await page.getByRole("menuitem", { name: "ravi" }).click();
  await seen(page.locator(".member", { hasText: "ravi" }));
  await check("members");
  await signOut(page);

  await enter(page, "ravi");
  await seen(page.getByText("bob2@old.test"));
  for (const name of ["Add member", "Add custodian", "Place hold", "Close matter", "Add passwords"])
    assert.equal(await page.getByRole("button", { name }).count(), 0, name);
  await check("reviewer-matter");
  await page.getByText("Oars").first().click();
  await seen(page.getByText("rowing boat 2"));
  assert.equal(await page.getByRole("button", { name: /Release|Export/ }).count(), 0);
  await page.getByText("rowing boat 2").first().click();
  await page.goto(page.url());
  await seen(page.getByText("Who has the oars?"));
  assert.equal(await page.getByRole("button", { name: /^Export/ }).count(), 0);
  await check("reviewer-message");
  await page.keyboard.press("h");
  await seen(page.getByText("Who leads the matter places its holds."));
  await page.keyboard.press("Escape");
  await gone(page.getByRole("dialog"));
  await refused(page, "/matters/1/holds", { name: "Mine", custodian_ids: [1], date_kind: "sent" });
  await refused(page, "/exports", { matter_id: 1, scope: { hold_id: 1 }, format: "eml" });
  await signOut(page);

  await firstSignIn(page, archive, "otto", "auditor");
  await seen(page.getByRole("heading", { name: "Audit", level: 1 }));
  assert.deepEqual(await desks(page), ["Search", "Matters", "Records", "Audit", "Status"]);
  await seen(page.getByText("Oars"));
  await check("auditor");
  await page.goto("/records");
  await page.getByRole("button", { name: /^March 2018/ }).click();
  await seen(page.getByRole("link", { name: "Certificate" }));
  assert.equal(await page.getByRole("button", { name: /Propose|Approve|Refuse/ }).count(), 0);
  await check("auditor-records");
  const answer = await page.request.get("/api/v1/matters/1");
  assert.equal(answer.status(), 404, "no matter of theirs");
}
