// A month whose date has passed is destroyed by two people, who see no mail; what is held stays.
import assert from "node:assert/strict";
import { choosePassword, gone, seen, signIn, signOut } from "./journeys.mjs";

const message = (number) =>
  `From: ann@old.test\nTo: bob${number}@old.test\nSubject: rowing boat ${number}\n` +
  `Date: Sat, 10 Mar 2018 08:00:0${number} +0000\nMessage-ID: <${number}@old.test>\n\nWho has the oars?\n`;
export const PAST = { at: "2018-03-10 09:00:00", mail: [1, 2, 3].map(message) };
export const PASSWORD = "records-own-password-77";

export async function firstSignIn(page, archive, name, role) {
  await signIn(page, name, archive.add(name, role));
  await choosePassword(page, PASSWORD);
}

const month = (page, name) => page.getByRole("button", { name });
const fits = async (page) => {
  const text = await page.locator("main").innerText();
  assert.doesNotMatch(text, /rowing|bob1@|ann@/, "a records manager sees no mail");
};

export async function decided({ page }, archive, check) {
  await firstSignIn(page, archive, "lea", "legal");
  await seen(page.getByText("Open a matter to search"));
  // A hold of one of the three, by the API that the matter's page uses.
  const csrf = (await (await page.request.get("/api/v1/session")).json()).csrf;
  const post = async (path, data) => {
    const answer = await page.request.post(`/api/v1${path}`, { headers: { "x-muniment-csrf": csrf }, data });
    assert.ok(answer.ok(), `${path}: ${await answer.text()}`);
    return answer.json();
  };
  const matter = (await post("/matters", { name: "Regatta", reference: "", zone: "UTC" })).id;
  const bob = await post(`/matters/${matter}/custodians`, { name: "Bob", addresses: ["bob2@old.test"] });
  await post(`/matters/${matter}/holds`, {
    name: "Oars",
    custodian_ids: [bob.id],
    date_kind: "received",
    from: null,
    until: null,
    is_ongoing: true,
  });
  await signOut(page);

  await firstSignIn(page, archive, "rita", "records");
  await seen(page.getByRole("heading", { name: "Records", level: 1 }));
  await month(page, /^March 2018: Date has passed, 3 deliveries$/).click();
  await seen(page.getByRole("heading", { name: /2018-03$/ }));
  await fits(page);
  await check("passed");
  await page.getByRole("button", { name: "Propose to destroy" }).click();
  await check("propose");
  await page.getByRole("button", { name: "Propose to destroy 3 deliveries" }).click();
  await gone(page.getByRole("dialog"));
  await seen(page.getByText("holds kept 1 of them"));
  await seen(page.getByText("so a second records manager approves it"));
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0, "not by who proposed it");
  await seen(page.getByRole("grid", { name: "A sample of what would go" }));
  await fits(page);
  await check("proposed");
  await signOut(page);

  await firstSignIn(page, archive, "ron", "records");
  await seen(page.getByText(/^rita proposes to destroy/));
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.getByRole("button", { name: "Approve" }).click();
  const act = page.getByRole("button", { name: "Destroy 2 deliveries" });
  assert.ok(await act.isDisabled(), "it needs a reason");
  await page.getByRole("dialog").getByLabel("Reason").fill("Seven years have passed.");
  await check("approve");
  await act.click();
  await gone(page.getByRole("dialog"));
  await seen(page.getByRole("link", { name: "Certificate" }));
  await seen(page.getByText("Kept by holds"));
  await seen(month(page, /^March 2018: Date has passed, 1 delivery$/));
  await fits(page);
  await check("destroyed");
  const [opened] = await Promise.all([
    page.waitForEvent("framenavigated"),
    page.getByRole("link", { name: "Certificate" }).click(),
  ]);
  assert.match(await opened.content(), /2018-03/);
  await check("certificate");
  await page.goBack();
  await seen(page.getByRole("heading", { name: "Records", level: 1 }));
}
