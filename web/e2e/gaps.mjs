// Documents that can't be read: counted, narrowed, and read again with a password that became known.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { caughtUp, gone, seen } from "./journeys.mjs";
import { unreadable } from "./mail.mjs";
import { send } from "./smtp.mjs";

const HERON = "heron";

/** What a count says. */
const told = async (button) => Number(/: ([\d,]+) gap/.exec(await button.textContent())[1].replace(",", ""));

export async function readAgain({ page }, archive, check) {
  const before = (await (await page.request.get("/api/v1/status")).json()).deliveries;
  const mail = unreadable();
  await send(archive.smtp, archive.journal, mail);
  await caughtUp({ page }, before + mail.length);
  await passwords(page, check);
  await narrowed(page, check);
  await retried(page, check);
  await forbidden(page, check);
}

/** Passwords are pasted, one a line; what they are is seen by nobody again. */
async function passwords(page, check) {
  await page.getByRole("link", { name: "Matters" }).click();
  await page.getByRole("row", { name: /Fabrikam merger/ }).click();
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Document passwords" }) });
  await seen(card.getByRole("heading", { name: "No passwords" }));
  await card.getByRole("button", { name: "Add passwords" }).click();
  const dialog = page.getByRole("dialog", { name: "Add passwords" });
  const lines = dialog.getByLabel("Passwords");
  await lines.press("Control+Enter");
  await seen(dialog.getByText("Needed."));
  await lines.fill(`heron\n${"x".repeat(600)}`);
  await lines.press("Control+Enter");
  await seen(dialog.getByText("Line 2 is longer than 512 bytes."));
  // One is refused: what was added before it is said, and the rest can be tried again.
  await lines.fill(`not this one\n${HERON}\n\nnor this\n`);
  let asked = 0;
  const path = /\/api\/v1\/matters\/\d+\/passwords$/;
  const error = { code: "conflict", message: "the matter has 50 passwords" };
  await page.route(path, (route) => {
    if (route.request().method() !== "POST") return route.continue();
    asked += 1;
    return asked === 2 ? route.fulfill({ status: 409, json: { error } }) : route.continue();
  });
  await dialog.getByRole("button", { name: "Add 3 passwords" }).click();
  await seen(dialog.getByText("1 password is added. 2 are not, and are still above."));
  await seen(dialog.getByText("The matter has 50 passwords."));
  assert.equal(await lines.inputValue(), `${HERON}\nnor this`);
  await check("passwords-refused");
  await page.unroute(path);
  await dialog.getByRole("button", { name: "Add 2 passwords" }).click();
  await gone(dialog);
  const list = card.getByRole("list", { name: "Document passwords" });
  await seen(list.getByText("Password 3", { exact: true }));
  assert.equal(await list.getByRole("listitem").count(), 3);
  assert.doesNotMatch(await page.locator("body").innerText(), /heron|this one/);
  const listed = await (await page.request.get(`/api/v1${new URL(page.url()).pathname}/passwords`)).text();
  assert.doesNotMatch(listed, /heron|this one/);
  await seen(page.locator(".happened li", { hasText: "added document password" }));
  await card.getByRole("button", { name: "Remove password 1" }).click();
  const remove = page.getByRole("dialog", { name: "Remove password 1" });
  await seen(remove.getByText(/What it has opened stays searchable/));
  await remove.getByRole("button", { name: "Remove password 1" }).click();
  await gone(remove);
  await gone(list.getByText("Password 1", { exact: true }));
  await check("passwords");
  await card.getByRole("link", { name: "Read encrypted documents again" }).click();
}

/** Each count narrows the list; the keyboard walks them. */
async function narrowed(page, check) {
  await seen(page.getByRole("heading", { name: "Gaps of Fabrikam merger", level: 1 }));
  assert.equal(await page.title(), "Gaps of Fabrikam merger · Muniment");
  const counts = page.getByRole("region", { name: "Counts of gaps" });
  const closed = counts.getByRole("button", { name: /^Opens with a password/ });
  await seen(closed);
  assert.equal(await closed.getAttribute("aria-pressed"), "true");
  assert.equal(await told(closed), 2);
  await seen(page.getByRole("heading", { name: "2 gaps", exact: true }));
  // Another kind is counted within the one that is chosen.
  assert.equal(await counts.getByRole("list", { name: "Type" }).getByRole("button").count(), 2);
  await counts.getByRole("button", { name: /^application\/x-ole-storage/ }).click();
  await seen(page.getByRole("heading", { name: "1 gap", exact: true }));
  assert.match(page.url(), /reason=encrypted&media_type=application%2Fx-ole-storage/, "it can be linked");
  await seen(page.getByRole("row", { name: /draft v2\.docx/ }));
  await check("gaps-narrowed");
  await page.getByRole("button", { name: "Take out application/x-ole-storage" }).click();
  await page.getByRole("button", { name: /^Take out Opens with a password/ }).click();
  await seen(page.getByRole("row", { name: /logo\.png/ }));
  await seen(page.getByRole("row", { name: /plan \ufffd2\.plt/ }));
  await page.locator("body").press("f");
  await page.waitForFunction(() => document.activeElement.matches(".gap-counts .facet-value"));
  for (const key of ["ArrowDown", "ArrowUp", "Enter"]) await page.keyboard.press(key);
  await seen(page.locator(".gap-counts .facet-value[aria-pressed=true]"));
  await page.keyboard.press("Enter");
  await gone(page.locator(".gap-counts .facet-value[aria-pressed=true]"));
  await seen(page.locator(".gap-counts:not([aria-busy])"));
  const alice = counts.getByRole("list", { name: "Custodian" }).getByRole("button", { name: /^Alice Ito/ });
  const [of, all] = [await told(alice), await page.locator(".gaps .card-head h2").textContent()];
  await alice.click();
  await seen(page.getByRole("heading", { name: new RegExp(`^${of} gaps?$`) }));
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download as CSV" }).click(),
  ]);
  const table = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.equal(table.length - 1, of, "the file has the gaps that are shown");
  await alice.click();
  await seen(page.getByRole("heading", { name: all, exact: true }));
  // The way to the messages themselves, and back.
  await closed.click();
  await page.getByRole("link", { name: "Find in search" }).click();
  await seen(page.locator(".hits-count").getByText("2 families"));
  assert.equal(await page.getByRole("textbox", { name: "Query" }).inputValue(), "gap:encrypted");
  await page.goBack();
  await seen(closed);
  await page.locator("body").press("j");
  await page.keyboard.press("Enter");
  await seen(page.getByRole("heading", { name: /, locked$/ }));
  await page.goBack();
  await seen(closed);
}

/** What a password opens is a gap no more, and its words are found. */
async function retried(page, check) {
  await page.getByRole("button", { name: "Read again" }).click();
  const ask = page.getByRole("dialog", { name: "Read 2 gaps again" });
  await seen(ask.getByText(/tried with 2 passwords of this matter/));
  await check("gaps-retry");
  await ask.getByRole("button", { name: "Read 2 gaps again" }).click();
  await gone(ask);
  const readings = page.getByRole("grid", { name: "Readings" });
  const row = readings.getByRole("row", { name: /Opens with a password.*Done.*2 of 2 closed/ });
  await seen(row);
  await seen(page.getByText("A reading has ended since this list was made."));
  await check("gaps-read");
  await page.getByRole("button", { name: "Show it as it is now" }).click();
  await seen(page.getByRole("heading", { name: "No gap fits" }));
  await gone(page.getByText("A reading has ended since this list was made."));
  await page.getByRole("button", { name: "All gaps" }).click();
  await seen(page.getByRole("row", { name: /logo\.png/ }));
  assert.equal(await page.getByRole("row", { name: /figures\.zip/ }).count(), 0);
  await running(page, check);
  await page.getByRole("link", { name: "Search" }).click();
  await page.getByRole("textbox", { name: "Query" }).fill('"the locked heron"');
  await page.keyboard.press("Enter");
  await seen(page.locator(".hits-count").getByText("2 families"));
}

/** One under way shows how far it is, and is cancelled after a question. */
async function running(page, check) {
  const path = /\/api\/v1\/gaps\/retries\?/;
  let isCancelled = false;
  await page.route(path, async (route) => {
    const told = await (await route.fetch()).json();
    const first = told.retries[0];
    const of = isCancelled ? { state: "cancelled" } : { state: "running", done: 1204, total: 8400 };
    told.retries.unshift({ ...first, ...of, id: first.id + 1, gaps_before: null, gaps_after: null });
    await route.fulfill({ json: told });
  });
  const cancel = /\/api\/v1\/gaps\/retries\/\d+\/cancel$/;
  await page.route(cancel, (route) => {
    isCancelled = true;
    return route.fulfill({ json: {} });
  });
  await page.reload();
  const readings = page.getByRole("grid", { name: "Readings" });
  await seen(readings.getByText("1,204 of 8,400"));
  await check("gaps-reading");
  await readings.getByRole("button", { name: /^Cancel the reading of Opens with/ }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel the reading" });
  await seen(dialog.getByText(/What waits in line already is read all the same/));
  await dialog.getByRole("button", { name: "Cancel the reading" }).click();
  await gone(dialog);
  await seen(readings.getByText("Cancelled", { exact: true }));
  await page.unroute(path);
  await page.unroute(cancel);
}

/** Gaps of a matter that is not theirs are shown to nobody. */
async function forbidden(page, check) {
  await page.goto("/gaps?matter=4711");
  await seen(page.getByRole("heading", { name: "Nothing here" }));
  await check("gaps-hidden");
}
