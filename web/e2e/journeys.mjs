// What people do here, from the first sign-in to the audit of it all, as one continuous story.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "playwright-core";
import { binary } from "./archive.mjs";
import { CROWD, enormous, LIST, people } from "./mail.mjs";
import { send } from "./smtp.mjs";

export const LEGAL = { name: "mila", password: "correct-horse-battery-41" };
export const STRANGER = { name: "noor", password: "another-horse-battery-42" };
export const ADMIN = { password: "administrators-own-password-7" };

export const seen = (locator) => locator.first().waitFor({ state: "visible" });
export const gone = (locator) => locator.first().waitFor({ state: "detached" });

export async function signIn(page, name, password) {
  await page.goto("/");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export async function choosePassword(page, password) {
  await seen(page.getByRole("heading", { name: "Choose your password" }));
  await page.getByLabel("New password", { exact: true }).fill("short");
  await page.getByLabel("New password again").fill("short");
  await page.getByRole("button", { name: "Set password and go on" }).click();
  await seen(page.getByText("12 characters or more.", { exact: true }));
  await page.getByLabel("New password", { exact: true }).fill(password);
  await page.getByLabel("New password again").fill(password);
  await page.getByRole("button", { name: "Set password and go on" }).click();
}

export async function signOut(page) {
  await page.getByRole("button", { name: /^You:/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await seen(page.getByRole("heading", { name: "Sign in" }));
}

/** The administrator signs in first, sees no mail, and lets nobody read it alone: the first of legal is added
 * where the archive runs. */
export async function administrator({ page }, archive, check) {
  await page.goto("/search?q=merger");
  await seen(page.getByRole("heading", { name: "Sign in" }));
  await check("sign-in");
  await signIn(page, archive.login, "not the password");
  await seen(page.getByText(/wrong|not right|do not match|incorrect|unknown/i));
  await signIn(page, archive.login, archive.password);
  await choosePassword(page, ADMIN.password);
  await seen(page.getByRole("heading", { name: "Status" }));
  const desks = await page.getByRole("navigation", { name: "Desks" }).getByRole("link").allTextContents();
  assert.deepEqual(desks, ["Audit", "Status", "People"], "an administrator has no desk with mail");
  assert.equal((await page.request.get("/api/v1/messages/1")).ok(), false, "an administrator reads no mail");
  await check("status");
  await page.goto("/matters/1");
  await seen(page.getByRole("heading", { name: "This desk is not yours" }));
  await page.goto("/search?q=merger");
  await seen(page.getByRole("heading", { name: "This desk is not yours" }));
  assert.equal(await page.title(), "This desk is not yours · Muniment");
  await check("not-yours");
  await page.getByRole("link", { name: "People" }).click();
  await page.getByRole("button", { name: "Add person" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Mila Brandt");
  await dialog.getByLabel("Sign-in name").fill(LEGAL.name);
  await dialog.locator("label", { hasText: "Archive-wide" }).click();
  await check("add-person");
  await dialog.getByLabel("Sign-in name").press("Enter");
  await seen(dialog.getByText(/Nobody from legal is there to agree.*muniment user add/));
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const password = archive.add(LEGAL.name, "legal", "--display-name", "Mila Brandt", "--archive-wide");
  await page.goto("/people");
  await seen(page.getByRole("gridcell", { name: "Mila Brandt" }));
  await check("people");
  await signOut(page);
  return password;
}

/** A newcomer's first sign-in ends at the search desk. */
export async function newcomer({ page }, oneTime) {
  await signIn(page, LEGAL.name, oneTime);
  await choosePassword(page, LEGAL.password);
  await seen(page.getByRole("textbox", { name: "Query" }));
}

/** Waits until everything that was sent can be found. */
export async function caughtUp({ page }, deliveries) {
  for (let tries = 0; tries < 300; tries += 1) {
    const status = await (await page.request.get("/api/v1/status")).json();
    if (
      status.deliveries >= deliveries &&
      status.index.behind === 0 &&
      status.log.published >= status.log.size
    )
      return status;
    await new Promise((go) => setTimeout(go, 200));
  }
  throw new Error("the index has not caught up after a minute");
}

/** A matter with its custodians. */
export async function matter({ page }, check) {
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await seen(page.getByRole("heading", { name: "Matters", level: 1 }));
  await page.getByRole("button", { name: "New matter" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("Fabrikam merger");
  await page.getByRole("dialog").getByLabel("Reference").fill("26-cv-01184");
  await page.keyboard.press("Enter");
  await seen(page.getByRole("heading", { name: "Fabrikam merger" }));
  for (const key of ["alice", "bob", "carol"]) {
    const [name, address] = people[key];
    await page.getByRole("button", { name: "Add custodian" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Addresses").fill("not an address");
    await dialog.getByRole("button", { name: "Add custodian" }).click();
    await seen(dialog.getByText(/is not an address/));
    await dialog.getByLabel("Addresses").fill("*@northwind.test");
    await seen(
      dialog.getByText(/name each address in full, as alice@northwind\.test.*participants:@northwind/),
    );
    await dialog.getByLabel("Addresses").fill(`${name} <${address.toUpperCase()}>`);
    await dialog.getByLabel("Name").press("Enter");
    await gone(page.getByRole("dialog"));
    await seen(page.getByText(address, { exact: true }));
  }
  await seen(page.locator(".happened li", { hasText: "added custodian" }).nth(2));
  await check("matter");
}

const query = async (page, text) => {
  await page.getByRole("textbox", { name: "Query" }).fill(text);
  await page.keyboard.press("Enter");
};
const count = (page, text) => seen(page.locator(".hits-count").getByText(text));

/** Rows of the audit that tell of such an act. */
const looks = async (page, action) =>
  (await (await page.request.get(`/api/v1/audit?action=${action}`)).json()).rows.length;

/** Search in the matter, mend a query from its caret, and find a recipient that no header names. */
export async function search({ page }, check) {
  await page.getByRole("link", { name: "Search in this matter" }).click();
  await count(page, /famil/);
  await seen(page.getByRole("columnheader", { name: "Sent (Berlin)" }));
  await page.locator("body").press("j");
  await seen(page.locator(".message-text"));
  assert.equal(await looks(page, "message.view"), 1, "who opened one message is on record for that one only");
  await query(page, "(merger AND subject:sheet");
  await seen(page.getByRole("alert"));
  assert.match(await page.locator(".query-caret").textContent(), /\^/);
  await check("search-error");
  await rewritten(page, check);
  await query(page, "(merger AND subject:sheet)");
  await count(page, "1 family");
  await query(page, `bcc:${people.counsel[1]}`);
  await count(page, "1 family");
  await query(page, `recipients:${people.counsel[1]} AND to:${people.bob[1]}`);
  await count(page, "1 family");
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("heading", { name: /Term sheet v4/ }));
  assert.match(page.url(), /[?&]m=\d+/, "a message can be linked");
  assert.match(await page.title(), /^recipients:.* · Fabrikam merger · Search · Muniment$/);
  await check("search");
}

/** A query that is refused with another that would be understood is mended by one key, or one press. */
async function rewritten(page, check) {
  const [asked, rewrite] = ["merger OR budget AND sheet", "merger OR (budget AND sheet)"];
  // What the archive says, and the rewrite where it does not say one.
  await page.route(/\/api\/v1\/search$/, async (route) => {
    const response = await route.fetch();
    const told = await response.json();
    if (told.error) told.error.rewrite ??= rewrite;
    await route.fulfill({ response, json: told });
  });
  const box = page.getByRole("textbox", { name: "Query" });
  await query(page, asked);
  const use = page.getByRole("alert").getByRole("button", { name: `Use ${rewrite}` });
  await seen(use);
  await check("search-rewrite");
  await box.press("Alt+Enter");
  await gone(page.getByRole("alert"));
  assert.equal(await box.inputValue(), rewrite);
  await count(page, /famil/);
  await query(page, asked);
  await use.click();
  await gone(page.getByRole("alert"));
  assert.equal(await box.inputValue(), rewrite);
  await page.unroute(/\/api\/v1\/search$/);
}

/** How many families a label tells. */
const told = (label) => Number(/: ([\d,]+) famil/.exec(label)[1].replace(",", ""));

/** A sender and a month are chosen from what was found: each writes itself into the query, and out again. */
export async function facets({ page }, check) {
  const box = page.getByRole("textbox", { name: "Query" });
  const reads = (text) =>
    page.waitForFunction((wanted) => document.querySelector(".query-input").value === wanted, text);
  const asked = `to:${people.bob[1]} OR from:${people.alice[1]}`;
  const before = page.url();
  const counted = page.waitForResponse(/\/search\/facets$/);
  await query(page, asked);
  await counted;
  await page.keyboard.press("Escape");
  const months = page.locator(".timeline-bars:not([aria-busy])");
  await seen(page.getByRole("listbox", { name: "Families by month sent" }));
  await seen(months);
  const top = async (name) => (await page.getByRole("grid", { name }).boundingBox()).y;
  const stood = await top("Results");

  // The keyboard opens the facets, walks them, and chooses.
  await page.locator("body").press("f");
  await page.waitForFunction(() => document.activeElement.matches(".facet-value"));
  const sender = page.locator("[aria-labelledby=facet-sender]").getByRole("button").first();
  const label = await sender.textContent();
  const [address] = label.split(": ");
  assert.ok(await sender.evaluate((button) => button === document.activeElement), "the first has the focus");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await reads(`(${asked}) AND from:${address}`);
  await count(page, new RegExp(`^${told(label)} famil`));
  await seen(page.locator(".facet-value[aria-pressed=true]", { hasText: address }));
  await page.getByRole("button", { name: "How the query was read" }).click();
  await seen(page.locator(".reading-tree li").getByText(/· [\d,]+ famil/));
  await page.keyboard.press("Escape");
  await gone(page.locator(".reading-tree"));
  await check("facets");
  await page.getByRole("button", { name: `Take out from:${address}` }).click();
  await reads(asked);
  await count(page, /famil/);

  // A month by the keyboard, and all of them by the pointer.
  await seen(months);
  await months.focus();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Home");
  const month = await months.getByRole("option", { selected: true }).getAttribute("aria-label");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() =>
    / AND sent:\d{4}-\d{2}$/.test(document.querySelector(".query-input").value),
  );
  await count(page, new RegExp(`^${told(month)} famil`));
  await seen(months);
  assert.equal(await months.evaluate((bars) => bars === document.activeElement), true, "it keeps the focus");
  assert.equal(await months.getByRole("option").count(), 1);
  assert.equal(await top("Results"), stood, "the list stays where it is, whatever is chosen");
  await check("month");
  await page.getByRole("button", { name: "All dates" }).click();
  await reads(asked);
  await page.waitForFunction(
    () => document.querySelectorAll(".timeline-bars:not([aria-busy]) > *").length > 1,
  );
  const { x, y, width } = await months.boundingBox();
  // Another button than the first asks for nothing.
  await page.mouse.click(x + 2, y + 20, { button: "right" });
  await page.keyboard.press("Escape");
  assert.equal(await box.inputValue(), asked);
  await seen(months);
  await page.mouse.move(x + 2, y + 20);
  await page.mouse.down();
  await page.mouse.move(x + width - 2, y + 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() =>
    / AND sent:\d{4}(-\d{2})?(\.\.\d{4}(-\d{2})?)?$/.test(document.querySelector(".query-input").value),
  );
  assert.match(await box.inputValue(), /^\(/, "an OR is in parentheses");
  assert.equal(await looks(page, "search.facets"), 0, "counts belong to their search in the audit");
  await page.locator(".facet-value").first().focus();
  await page.keyboard.press("Escape");
  await gone(page.locator(".facets"));
  await page.goto(before);
  await seen(page.locator(".message-text"));
}

/** Words of a mail whose contrast with what is behind them is below 4.5. */
const faint = (frame) =>
  frame.locator("body").evaluate((body) => {
    const light = (color) => {
      const [r, g, b] = color.match(/[\d.]+/g).map((part) => {
        const share = part / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
      const color = getComputedStyle(element).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
      return element.parentElement ? ground(element.parentElement) : "rgb(255, 255, 255)";
    };
    return [...body.querySelectorAll("*")]
      .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .map((element) => {
        const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent];
      })
      .filter(([contrast]) => contrast < 4.5);
  });

/** The message in each of its views. */
export async function message({ page }, check) {
  await seen(
    page.locator(".people-line", { hasText: "Bcc" }).getByText(/from the journal envelope of delivery/),
  );
  await page.keyboard.press("e");
  await seen(page.getByText("Who took part, and how it is known"));
  await seen(
    page
      .locator("tr", { hasText: people.counsel[1] })
      .getByText(/Bcc, from the journal envelope of delivery \d+/),
  );
  assert.equal(
    await page.locator("section > .card h2", { hasText: /^Delivery/ }).count(),
    2,
    "both reports of it are shown",
  );
  const [received] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "As it was received" }).first().click(),
  ]);
  assert.match(received.suggestedFilename(), /^delivery-\d+\.eml$/);
  assert.match(await readFile(await received.path(), "utf8"), /X-MS-Journal-Report/i, "the report, whole");
  await check("message-envelope");
  await page.keyboard.press("p");
  await seen(page.getByRole("heading", { name: "Verified now" }));
  await page.getByRole("button", { name: "Check in this browser" }).click();
  await seen(page.getByText(/computed the same SHA-256/));
  await check("message-proof");
  await page.getByRole("tab", { name: "HTML" }).click();
  const frame = page.frameLocator("iframe");
  await seen(frame.getByText(/1 remote load blocked/));
  await seen(frame.getByText("Clause nine"));
  assert.match(await page.title(), / · Search · Muniment$/, "mail runs no script");
  await check("message-html");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  assert.deepEqual(await faint(frame), [], "the mail's own colours can be read in the dark theme too");
  await check("message-html-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("tab", { name: "Headers" }).click();
  await seen(page.locator(".header-list").getByText("Message-ID"));
  await seen(page.getByText(/^EDRM Message ID Hash/).getByText(/^[0-9a-f]{32}$/));
  await page.getByRole("tab", { name: "Source" }).click();
  await seen(page.locator("pre.source").getByText(/^From: Alice Ito/));
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /Term sheet v4\.txt/ }).click(),
  ]);
  assert.equal(file.suggestedFilename(), "Term sheet v4.txt");
  await page.keyboard.press("e");
  await seen(page.getByText("Who took part, and how it is known"));
  await page.keyboard.press("e");
  await seen(page.locator(".message-text"));
  assert.equal(await looks(page, "message.html"), 1, "one look at the HTML is one row of the audit");
}

/** A message's thread: what answers it is opened from there, and Back leads to it again. */
export async function thread({ page }, check) {
  await page.locator("body").press("t");
  const rows = page.getByRole("grid", { name: "Messages of the thread" }).getByRole("row");
  await seen(rows.filter({ hasText: "Term sheet v4" }));
  const answer = rows.filter({ hasText: "Re: My marks on the draft" });
  await seen(answer);
  await check("message-thread");
  await answer.click();
  await seen(page.getByRole("heading", { name: "Re: My marks on the draft" }));
  await page.goBack();
  await seen(answer);
  await page.locator("body").press("t");
  await seen(page.locator(".message-text"));
}

/** What says nearly the same is told with how much; what only a subject joins is told as that. */
export async function near({ page }, check) {
  await query(page, 'subject:"parking rota"');
  await count(page, "2 families");
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("heading", { name: "Re: Parking rota for the winter" }));
  await page.locator("body").press("n");
  const rows = page.getByRole("grid", { name: "Near-duplicates" }).getByRole("row");
  const other = rows.filter({ hasText: "Parking rota for the winter" });
  await seen(other.getByText(/^8\d(\.\d)?%$/));
  await check("message-near");
  await page.locator("body").press("t");
  const thread = page.getByRole("grid", { name: "Messages of the thread" }).getByRole("row");
  await seen(thread.getByText("by subject only"));
  await check("message-thread-weak");
  await page.locator("body").press("n");
  await other.click();
  await seen(page.getByRole("heading", { name: "Parking rota for the winter", exact: true }));
  await seen(page.locator(".message-text"));
}

/** Who was reached through a list or a forwarding mailbox stands on its line, and is not blind. */
export async function reached({ page }, check) {
  await query(page, 'subject:"board call"');
  await count(page, "1 family");
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("heading", { name: "Board call on Friday" }));
  const line = (label) => page.locator(".people-line", { has: page.locator(`dt:text-is("${label}")`) });
  assert.match(await line("To").innerText(), /Board.*alice\.ito@.*via board@.*dmitri\.sokolov@.*via board@/s);
  assert.match(
    await line("Cc").innerText(),
    /Grace Okafor.*grace\.okafor@.* forwarded to.*grace@home\.test/s,
  );
  assert.equal(await line("Bcc").count(), 0, "nobody is blind who can be accounted for");
  await seen(page.locator(".gaps-quiet").getByText("logo.png: an image, whose words are not read"));
  assert.equal(await page.locator(".note-hold").count(), 0, "a logo is no cause for alarm");
  await check("message-list");

  // `o` shows all of the head, and folds it again.
  await query(page, "subject:everyone");
  await count(page, "1 family");
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("button", { name: "3 more" }));
  const shown = () => page.locator(".people-lines .person").count();
  const few = await shown();
  await page.locator("body").press("o");
  await seen(page.getByRole("button", { name: "Fewer" }));
  assert.equal(await shown(), few + 3);
  await page.locator("body").press("o");
  await seen(page.getByRole("button", { name: "3 more" }));

  // `h` places a hold in the matter that is searched.
  await page.locator("body").press("h");
  await seen(page.getByRole("dialog", { name: "Place a hold" }));
  await page.goBack();
  await seen(page.getByRole("button", { name: "3 more" }));
}

/** A view that is asked for while its message is on its way is the one that is shown. */
export async function impatient({ page }) {
  await query(page, "budget");
  await count(page, /famil/);
  await page.keyboard.press("Escape");
  const messages = /\/api\/v1\/messages\/\d+\?/;
  let answer;
  const asked = new Promise((done) => {
    answer = done;
  });
  await page.route(messages, async (route) => {
    await asked;
    await route.continue();
  });
  await page.locator("body").press("j");
  await page.keyboard.press("p");
  answer();
  await seen(page.getByRole("heading", { name: "Verified now" }));
  await page.unroute(messages);
  await page.keyboard.press("p");
  await seen(page.locator(".message-text"));
}

/** A sender who is named as another's address, and names that turn themselves around, are seen for what they are. */
export async function disguised({ page }, check) {
  await query(page, "subject:contract from:attacker.test");
  await count(page, "1 family");
  const from = page.locator(".hit-from > span").first();
  assert.equal(await from.innerText(), people.liar[1], "the address, not the name that is another's");
  assert.equal(await from.getAttribute("title"), `${people.liar[0]} <${people.liar[1]}>`);
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("heading", { name: "Contract ⟨RLO⟩fdp.exe" }));
  await seen(page.locator(".people-line .address-at").getByText(people.liar[1]));
  const file = page.getByRole("link", { name: /ann⟨RLO⟩fdp\.exe/ });
  await seen(file);
  assert.equal(await file.locator("bdi").innerText(), "ann⟨RLO⟩fdp.exe");
  await seen(page.locator(".message-text .control-mark").getByText("⟨RLO⟩"));
  assert.doesNotMatch(await page.locator(".message-text").innerText(), /\u202e/u);
  await check("disguised");
}

/** A filter that cannot be read is named, and cleared with one press. */
export async function badFilter({ page }) {
  await page.goto(`${page.url().split("&")[0]}&sender=*%40`);
  await seen(page.getByRole("alert").getByText(/^Sender: a wildcard needs.*write the letters/));
  await page.locator(".empty").getByRole("button", { name: "Clear filters" }).click();
  await count(page, /famil/);
  await page.goto("/people");
  await seen(page.getByRole("heading", { name: "This desk is not yours" }));
  await page.goBack();
  await count(page, /famil/);
}

/** What another tenant sent to the journal address is marked in the list, found by a filter, and counted. */
export async function unproven({ page }, check) {
  await query(page, "payment OR certificate");
  await count(page, /1\d families/);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Filters/ }).click();
  await page.getByRole("button", { name: /Source/ }).click();
  await page.getByRole("option", { name: "Unproven source" }).click();
  await count(page, "1 family");
  assert.equal(
    await page.getByRole("textbox", { name: "Query" }).inputValue(),
    "(payment OR certificate) AND has:unproven",
  );
  await seen(page.getByRole("row", { name: /Payment to the new account.*Unproven/ }));
  await page.locator("body").press("j");
  await seen(page.getByText(/Nothing shows that your own mail system sent this/));
  await check("unproven");
  await page.getByRole("link", { name: "Status" }).click();
  await seen(page.getByText(/^1 delivery did not name the organisation/));
  await page.getByRole("link", { name: "Search has:unproven" }).click();
  await count(page, "1 family");
  await seen(page.getByRole("columnheader", { name: "Sent (UTC)" }));
}

/** The bar above the list keeps its button whole beside a message, however much it says. */
export async function crowded({ page }, check) {
  await query(page, "");
  await count(page, /not fully indexed/);
  await page.keyboard.press("Escape");
  for (const key of ["j", "x", "J"]) await page.locator("body").press(key);
  const button = page.locator(".hits-head").getByRole("button", { name: "Export 2 selected" });
  await seen(button);
  await seen(page.locator(".message-text"));
  const right = (locator) => locator.evaluate((element) => element.getBoundingClientRect().right);
  const [end, edge] = [await right(button), await right(page.locator(".hits"))];
  assert.ok(end <= edge, `the button ends at ${end} px, its pane at ${edge} px`);
  await check("selected");
}

const nodes = (page) => page.evaluate(() => document.querySelectorAll("*").length);

/** Ten thousand recipients of one message are counted and can be found, and no page is made of them all. */
export async function enormity({ page }, archive, check) {
  const before = (await (await page.request.get("/api/v1/status")).json()).deliveries;
  const mail = enormous();
  await send(archive.smtp, archive.journal, mail);
  await caughtUp({ page }, before + mail.length);
  await page.goto("/search?q=subject:newsletter");
  await count(page, "1 family");
  await page.locator("body").press("j");
  const line = page.locator(".people-line", { has: page.locator('dt:text-is("Bcc")') });
  const told = line.getByText(/^all 10,000 from the journal envelope of delivery [\d,]+$/);
  await seen(told);
  const few = await nodes(page);
  assert.ok(few < 1500, `a message of ${CROWD} recipients is ${few} nodes`);

  await page.locator("body").press("o");
  await seen(line.getByText("50 of 10,000"));
  assert.equal(await line.locator(".person").count(), 50);
  assert.equal(await told.count(), 1, "what is true of all is said once");
  assert.ok((await nodes(page)) < few + 1000, `opened it is ${await nodes(page)} nodes`);
  await line.getByRole("button", { name: /^Show 50 more/ }).click();
  await seen(line.getByText("100 of 10,000"));
  await line.getByRole("searchbox").fill("m09876");
  await seen(line.getByText("1 of 1", { exact: true }));
  await seen(line.getByText("m09876@big.example"));
  await line.getByRole("searchbox").fill(LIST);
  await seen(line.getByText("50 of 10,000"));
  await check("crowd");
  await line.getByRole("button", { name: "Fewer" }).click();
  assert.equal(await line.locator(".person").count(), 3);

  await page.locator("body").press("e");
  const known = page.locator(".known tbody tr");
  await seen(known);
  assert.equal(await known.count(), 50);
  assert.ok((await nodes(page)) < few + 1500, `with its envelope it is ${await nodes(page)} nodes`);
  await page.getByRole("region", { name: "Envelope" }).getByRole("searchbox").first().fill("m01234");
  await seen(known.getByText("m01234@big.example"));
  assert.equal(await known.count(), 1);
  await check("crowd-envelope");

  await page.goto("/search?q=subject:keys");
  await seen(page.locator(".timeline").getByText("1 family, none with a sent date that can be read"));

  await page.goto("/search?q=subject:endless");
  await count(page, "1 family");
  const length = (locator) => locator.evaluate((element) => element.textContent.length);
  assert.ok((await length(page.locator(".hit-subject").first())) <= 301, "a row holds no more than it shows");
  await page.locator("body").press("j");
  const title = page.locator(".message-title h2");
  await seen(title);
  assert.ok((await length(title)) <= 1001, "and a title little more than its three lines");
  await page.getByRole("button", { name: "The whole subject" }).click();
  await page.waitForFunction(() => document.querySelector(".message-title h2").textContent.length > 1001);
}

/** A message whose record is damaged isn't shown; that it does not verify is. */
export async function damaged({ page, faults }, check) {
  const message = /\/api\/v1\/messages\/\d+(\?|$)/;
  const proof = /\/api\/v1\/messages\/\d+\/proof/;
  const error = { code: "damaged", message: "the sealed record of this message is damaged" };
  await page.route(message, (route) => route.fulfill({ status: 500, json: { error } }));
  await page.route(proof, async (route) => {
    const response = await route.fetch();
    const told = await response.json();
    told.summary = "The record is not what was sealed.";
    told.checks[0].ok = false;
    await route.fulfill({ response, json: told });
  });
  await query(page, 'subject:"board call"');
  await count(page, "1 family");
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("heading", { name: "This message can't be read" }));
  await seen(page.getByText(/The sealed record of this message is damaged\. It is not shown/));
  await seen(page.locator(".verdict-bad").getByRole("heading", { name: "Does not verify" }));
  await seen(page.getByText("The record is not what was sealed."));
  assert.equal(await page.getByText(/Nothing was changed/).count(), 0);
  await check("damaged");
  const status = /\/api\/v1\/status/;
  const told = await (await page.request.get("/api/v1/status")).json();
  told.damage = {
    records: 1,
    newest: [
      { record_id: "0".repeat(32), found_at: "2026-03-30T12:00:00Z", what: "it is not what was sealed" },
    ],
  };
  await page.route(status, (route) => route.fulfill({ json: told }));
  await page.getByRole("link", { name: "Status" }).click();
  await seen(page.locator(".sentence-bad").getByText(/^1 record damaged\. The source/));
  await seen(page.getByRole("row", { name: /it is not what was sealed/ }));
  await check("status-damaged");
  await page.unroute(status);
  await page.goBack();
  await seen(page.getByRole("heading", { name: "This message can't be read" }));
  await seen(page.locator(".verdict-bad").getByRole("heading", { name: "Does not verify" }));
  await page.unroute(message);
  await page.unroute(proof);
  for (let i = faults.length; i >= 0; i -= 1)
    if (/Failed to load resource: .* 500/.test(faults[i])) faults.splice(i, 1);
}

/** Terms are counted side by side; one that cannot be read is told beside the others. */
export async function terms({ page }, check) {
  await page.goto("/search?q=merger");
  await page.getByRole("link", { name: "Term report" }).click();
  await seen(page.getByRole("heading", { name: "Term report", level: 1 }));
  const lists = page.getByRole("textbox", { name: /one a line/ });
  await lists.first().fill("merger\nsheet\n\nmerger OR sheet a\n");
  await page.getByRole("button", { name: "Count", exact: true }).click();
  const row = (name) => page.getByRole("row", { name });
  await seen(row(/^merger \d/));
  await seen(page.getByText("1 term cannot be read"));
  await seen(row(/^merger OR sheet a .*AND and OR/));
  const numbers = async (name) =>
    (await row(name).getByRole("cell").allTextContents()).map((cell) => Number(cell.replaceAll(",", "")));
  const [merger, sheet, any] = [await numbers(/^merger \d/), await numbers(/^sheet/), await numbers(/^Any/)];
  assert.ok(merger[0] > 0 && sheet[0] > 0, "each term is found");
  assert.ok(any[0] <= merger[0] + sheet[0] && any[0] >= Math.max(merger[0], sheet[0]));
  assert.equal(any[0], merger[3] + sheet[3] + (merger[0] - merger[3]), "a document counts once");
  await page
    .getByRole("button", { name: /example/ })
    .first()
    .click();
  await seen(page.locator(".terms-sample a"));
  await check("terms");

  await page.getByRole("button", { name: "Compare with another list" }).click();
  await lists.nth(1).fill("merger");
  await seen(page.getByText("What is below was counted before your changes."));
  await page.getByRole("button", { name: "Count", exact: true }).click();
  await seen(page.getByText("What the lists have apart and in common"));
  await check("terms-compared");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save as CSV" }).click(),
  ]);
  const saved = await readFile(await file.path(), "utf8");
  assert.equal(saved.split("\r\n")[1].split(",")[2], `"${merger[0]}"`);
  await row(/^merger \d/)
    .first()
    .getByRole("link", { name: "merger" })
    .click();
  await seen(page.getByText(/^[\d,]+ famil/));
  // What was written is there when its writer comes back.
  await page.goBack();
  await seen(row(/^merger \d/));
  assert.match(await lists.first().inputValue(), /^merger\nsheet/);
}

/** On a phone a message takes the list's place, and Back gives the list back. */
export async function phone({ page }) {
  await page.goto("/matters");
  await seen(page.getByRole("row", { name: /Fabrikam merger/ }));
  await page.goto("/search?q=archive");
  const hit = page.locator(".hit-subject", { hasText: "Keys to the archive room" });
  await hit.click();
  await seen(page.locator(".message-text"));
  await seen(page.locator(".message-facts").getByText("received"));
  await page.goBack();
  await seen(hit);
  assert.equal(new URL(page.url()).search, "?q=archive");
  await hit.click();
  await seen(page.locator(".message-text"));
  await page.getByRole("button", { name: "Back to results" }).click();
  await seen(hit);
  assert.equal(new URL(page.url()).search, "?q=archive");
  await page.goBack();
  await seen(page.getByRole("heading", { name: "Matters", level: 1 }));

  // No desk is cut off.
  const desks = page.getByRole("navigation", { name: "Desks" });
  const [room, needed] = await desks.evaluate((nav) => [nav.clientWidth, nav.scrollWidth]);
  assert.ok(needed <= room, `the desks need ${needed} px and have ${room}`);

  // The last of the tabs can be reached.
  await page.goto("/search?q=archive");
  await hit.click();
  await page.getByRole("tab", { name: "Proof" }).click();
  await seen(page.getByRole("heading", { name: "Verified now" }));
  // The tab that is shown comes into view.
  await page.waitForFunction(() => {
    const tab = document.querySelector('[role="tab"][aria-selected="true"]');
    return tab.getBoundingClientRect().right <= document.documentElement.clientWidth;
  });

  // A message that does not come says why, in the list's place.
  await page.goto("/search?q=archive&m=999999");
  await seen(page.getByRole("heading", { name: "Nothing here" }));
  await page.getByRole("button", { name: "Back to results" }).click();
  await seen(hit);

  // Every act with what came of it, and its detail a step further.
  await page.goto("/audit?action=hold.place");
  const act = page.getByRole("row", {
    name: /mila.*Placed hold.*Done.*Preservation letter.*Fabrikam merger/,
  });
  await act.click();
  await seen(page.locator(".audit-detail").getByText("hold.place"));
  await page.goBack();
  await seen(act);
  await act.click();
  await page.getByRole("button", { name: "Back to the list" }).click();
  await seen(act);
}

/** A hold is seen before it is placed. */
export async function hold({ page }, check) {
  await page.getByRole("link", { name: "Matters" }).click();
  await page.getByRole("row", { name: /Fabrikam merger/ }).click();
  const happened = page.locator(".happened");
  await seen(happened.getByText("created matter"));
  assert.doesNotMatch(await happened.innerText(), /search|read|open|verif/i, "looks are no acts");
  await page.getByRole("button", { name: "Place hold" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Preservation letter of 31 March");
  await dialog.getByText("Alice Ito").click();
  await dialog.getByText("Bob Lay").click();
  const day = async (nth, digits) => {
    await dialog.getByRole("spinbutton").nth(nth).click();
    await page.keyboard.type(digits);
  };
  await day(0, "01062026");
  await day(3, "01012026");
  await seen(dialog.locator(".field-error").getByText("The last day is before the first."));
  assert.equal(await dialog.getByRole("button", { name: /^Place hold/ }).isDisabled(), true);
  assert.equal(await dialog.getByText(/server's log/).count(), 0);
  for (let n = 0; n < 2; n += 1) await dialog.getByRole("button", { name: "Clear" }).first().click();
  const place = dialog.getByRole("button", { name: /^Place hold on [\d,]+ families$/ });
  await seen(place);
  await seen(dialog.locator(".sample li", { hasText: "Keys to the archive room" }).getByText("received"));
  await check("hold-place");
  await dialog.getByRole("spinbutton").first().press("Enter");
  await seen(page.getByRole("heading", { name: "Preservation letter of 31 March" }));
  await seen(page.getByText("In force"));
  await seen(page.getByRole("row", { name: /Term sheet v4/ }));
  await seen(page.getByRole("columnheader", { name: "Sent (Berlin)" }));
  const undated = page.getByRole("row", { name: /received .*Keys to the archive room/ });
  await seen(undated);
  assert.match(await undated.locator("time").getAttribute("title"), /^No readable date; received then · /);
  assert.equal(await page.getByRole("row", { name: /received .*Term sheet v4/ }).count(), 0);
  assert.equal(
    await page.title(),
    "Preservation letter of 31 March · Fabrikam merger · Matters · Muniment",
    "the hold, its matter and the desk",
  );
  await check("hold");
}

/** The export of what is held, checked by a program that needs neither server nor catalog. */
export async function exported({ page }, archive, check) {
  // The keys of a list walk it; only Enter leaves it.
  await page.locator("body").press("j");
  await page.locator("body").press("j");
  assert.equal(await page.locator(".hit-list .table-row.is-active").getAttribute("aria-rowindex"), "3");
  await page.getByRole("button", { name: "Export what is held" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /Format/ }).click();
  await page.getByRole("option", { name: "PST, for Outlook" }).click();
  await seen(dialog.getByText(/A PST is a conversion/));
  await dialog.getByRole("button", { name: /Size of a PST file/ }).click();
  await page.getByRole("option", { name: "5 GB", exact: true }).click();
  await dialog.getByText("The exact messages beside it, as EML").click();
  await dialog.getByText("Attachments as files of their own too").click();
  await check("export-pst");
  const [asked] = await Promise.all([
    page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/exports")),
    dialog.getByLabel("Name").press("Enter"),
  ]);
  assert.deepEqual(asked.postDataJSON().pst, { with_eml: true, file_bytes_max: 5e9 });
  await seen(page.getByRole("heading", { name: "Exports" }));
  await seen(page.getByRole("columnheader", { name: "Asked for (UTC)" }));
  await seen(page.getByRole("heading", { name: "How to check it" }));
  await check("exports");
  const command = await page.locator(".copyable code").first().textContent();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download" }).click(),
  ]);
  const path = join(archive.directory, file.suggestedFilename());
  await file.saveAs(path);
  assert.match(command, /^muniment verify-export /);
  const [name, key] = [/verify-export '?(.*?)'? --key/, /--key '?(.*?)'?$/].map(
    (part) => part.exec(command)[1],
  );
  assert.equal(name, file.suggestedFilename(), "the command that is shown names the file that is downloaded");
  assert.equal(key, archive.key, "and the key that `init` printed");
  const shell = command.replace(/^muniment/, `'${binary}'`);
  const printed = execFileSync("/bin/sh", ["-c", shell], { cwd: archive.directory, encoding: "utf8" });
  console.log(`     ${printed.trim().split("\n").at(-1)}`);
  assert.match(printed, /everything holds/);
  const bundle = readFileSync(path);
  for (const inside of ["pst/", ".pst", "messages/000001.eml", "attachments/0"])
    assert.ok(bundle.includes(inside), `${inside} is in the bundle`);
}

/** A release needs its reason, which stays on record. */
export async function release({ page, context }, check) {
  await page.getByRole("link", { name: "Matters" }).click();
  await page.getByRole("row", { name: /Fabrikam merger/ }).click();
  await page.getByRole("link", { name: /Preservation letter/ }).click();
  await page.getByRole("button", { name: "Release" }).click();
  const act = page.getByRole("button", { name: /^Release hold on [\d,]+ families$/ });
  await seen(act);
  assert.equal(await act.isDisabled(), true, "no release without a reason");
  await page.getByLabel("Reason").fill("Settled; counsel agreed in writing");
  await check("hold-release");
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByRole("button", { name: "Release" }).click();
  await other.getByLabel("Reason").fill("Settled too");
  await page.getByLabel("Reason").press("Control+Enter");
  await seen(page.getByText("Settled; counsel agreed in writing"));
  await seen(page.getByText("Released", { exact: true }));
  await seen(page.getByText(/^Released on .* by mila; held [\d,]+ families until then\.$/));
  await seen(page.getByRole("button", { name: "Export what it held" }));
  await check("hold-released");
  // Somebody who asks for it a second time is told, and sees what is so.
  await other.getByRole("button", { name: /^Release hold on/ }).click();
  const dialog = other.getByRole("dialog");
  await seen(dialog.getByText(/released already/));
  await gone(dialog.getByRole("button", { name: /^Release hold on/ }));
  await dialog.locator("footer").getByRole("button", { name: "Close" }).click();
  await seen(other.getByText("Settled; counsel agreed in writing"));
  assert.equal(await other.getByText("In force", { exact: true }).count(), 0);
  await other.close();
  await page.getByRole("link", { name: "Fabrikam merger" }).click();
  const line = page.getByRole("link", { name: /Preservation letter/ });
  await seen(line);
  assert.doesNotMatch(await line.innerText(), /famil/, "a hold that is released holds nothing");
}

/** All of it is in the audit. */
export async function audit({ page }, check) {
  await page.keyboard.press("g");
  await page.keyboard.press("a");
  await seen(page.getByRole("heading", { name: "Audit", level: 1 }));
  // The list draws only what is in view, so each act is asked for by its filter.
  for (const [action, act] of [
    ["search.run", "Searched"],
    ["message.view", "Read message"],
    ["message.proof", "Verified message"],
    ["hold.place", "Placed hold"],
    ["export.download", "Downloaded export"],
    ["hold.release", "Released hold"],
  ]) {
    await page.goto(`/audit?action=${action}`);
    await seen(page.getByRole("row", { name: new RegExp(act) }));
  }
  await page
    .getByRole("row", { name: /Released hold/ })
    .first()
    .click();
  await seen(page.locator(".audit-detail").getByText("Settled; counsel agreed in writing"));
  assert.ok(
    await page.locator(".audit-detail").evaluate((detail) => detail.scrollWidth <= detail.clientWidth),
    "the detail of an act fits its pane",
  );
  await check("audit");
  await page.locator(".audit-detail").getByRole("link", { name: "Preservation letter of 31 March" }).click();
  await seen(page.getByRole("heading", { name: "Preservation letter of 31 March", level: 1 }));
  await page.goto("/audit?action=message.view");
  await page
    .locator(".table-row")
    .first()
    .getByRole("link", { name: /^message \d+$/ })
    .click();
  await seen(page.locator(".message-text"));
  // Times are told in one zone: UTC, or the matter's where there is one matter.
  await page.goto("/audit?action=hold.place");
  await seen(page.getByRole("columnheader", { name: "When (UTC)" }));
  const placed = page.locator(".table-row time").first();
  const [utc, instant] = [await placed.innerText(), await placed.getAttribute("datetime")];
  assert.match(utc, new RegExp(` ${instant.slice(11, 16)}$`), "the time of UTC");
  await page
    .locator(".audit-filters")
    .getByRole("button", { name: /Matter/ })
    .click();
  await page.getByRole("option", { name: "Fabrikam merger" }).click();
  await seen(page.getByRole("columnheader", { name: "When (Berlin)" }));
  assert.notEqual(await placed.innerText(), utc);
  await page.goto("/audit");
  await seen(page.getByRole("heading", { name: "Audit", level: 1 }));
  await page.keyboard.press("?");
  await seen(page.getByRole("heading", { name: "Keyboard shortcuts" }));
  await check("keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("fabrikam");
  await seen(page.getByRole("menuitem", { name: /Open matter Fabrikam merger/ }));
  await check("palette");
  await page.keyboard.press("Escape");
  await gone(page.getByRole("dialog"));
  await page.keyboard.press("Control+k");
  await page.keyboard.type("hold");
  await seen(page.getByRole("menuitem", { name: "Place hold in Fabrikam merger" }));
  await page.keyboard.press("Enter");
  await seen(page.getByRole("dialog", { name: "Place a hold" }));
  await page.keyboard.press("Escape");
  await gone(page.getByRole("dialog"));
  await page.keyboard.press("Control+k");
  await page.keyboard.type("custodian");
  await seen(page.getByRole("menuitem", { name: "Add custodian" }));
  await page.keyboard.press("Escape");
  await gone(page.getByRole("dialog"));
}

/** While the archive can't be reached, every desk says so, and none says that all is well. */
export async function unreachable({ page, context, faults }) {
  await page.goto("/status");
  await seen(page.locator(".sentence"));
  await page.getByRole("link", { name: "Matters" }).click();
  await seen(page.getByRole("row", { name: /Fabrikam merger/ }));
  await context.setOffline(true);
  const lost = page.getByText("The archive can't be reached.");
  await page.getByRole("row", { name: /Fabrikam merger/ }).click();
  await seen(lost);
  await page.getByRole("link", { name: "Exports" }).click();
  await seen(page.getByRole("heading", { name: "The archive can't be reached." }));
  await page.getByRole("link", { name: "Status" }).click();
  await seen(page.locator(".note").getByText(/can't be reached.*as it was at/));
  assert.equal(await page.locator(".sentence-good").count(), 0);
  await page.getByRole("link", { name: "Exports" }).click();
  await seen(page.getByRole("heading", { name: "The archive can't be reached." }));
  await seen(page.getByText(/It is asked until it answers/));
  await page.getByRole("link", { name: "Search" }).click();
  await page.getByRole("textbox", { name: "Query" }).fill("subject:sheet AND half a thought");
  await page.getByRole("link", { name: "Exports" }).click();
  await seen(page.getByRole("heading", { name: "The archive can't be reached." }));
  // It comes back, and nobody presses anything.
  await context.setOffline(false);
  await seen(page.getByRole("gridcell", { name: "PST" }));
  await gone(page.getByText(/It is asked until it answers/));

  // What is being typed stays through it.
  await page.getByRole("link", { name: "Search" }).click();
  await count(page, /famil/);
  await context.setOffline(true);
  await page.getByRole("textbox", { name: "Query" }).fill("subject:sheet");
  await page.keyboard.press("Enter");
  await seen(page.getByRole("heading", { name: "The archive can't be reached." }));
  await page.getByRole("textbox", { name: "Query" }).fill("subject:sheet AND half a thought");
  await context.setOffline(false);
  await count(page, "1 family");
  assert.equal(
    await page.getByRole("textbox", { name: "Query" }).inputValue(),
    "subject:sheet AND half a thought",
  );
  for (let i = faults.length; i >= 0; i -= 1)
    if (/net::ERR_INTERNET_DISCONNECTED/.test(faults[i])) faults.splice(i, 1);
}

const session = (url) => request.newContext({ baseURL: `${url}/api/v1/` });
async function post(context, path, data, csrf) {
  const answer = await context.post(path, { data, headers: csrf ? { "x-muniment-csrf": csrf } : {} });
  assert.ok(answer.ok(), `${path}: ${await answer.text()}`);
  return answer.json();
}

/** A person of the legal team without matters: an administrator asks for one, and legal agrees. */
async function stranger(page, archive, check) {
  const admin = await session(archive.url);
  const { csrf } = await post(admin, "session", { name: archive.login, password: ADMIN.password });
  const body = { name: STRANGER.name, display_name: "Noor Aziz", role: "legal", is_archive_wide: false };
  const asked = await post(admin, "people", body, csrf);
  assert.equal(asked.one_time_password, null, "no administrator has a password to read mail with");
  await page.goto("/matters");
  await seen(page.getByText(/asks that Noor Aziz can sign in as legal\./));
  await check("asked");
  await page.getByRole("button", { name: "Agree" }).click();
  await seen(page.getByText("This password is shown once."));
  const once = await page.getByRole("dialog").locator("code").textContent();
  await check("agreed");
  await page.getByRole("button", { name: "I have passed it on" }).click();
  const noor = await session(archive.url);
  const me = await post(noor, "session", { name: STRANGER.name, password: once });
  await post(noor, "session/password", { current: once, new: STRANGER.password }, me.csrf);
  await Promise.all([admin.dispose(), noor.dispose()]);
}

/** Two people in one tab: the second sees nothing of what the first one read, not even for a moment. */
export async function twoPeople({ page }, archive, check) {
  await stranger(page, archive, check);
  await page.goto("/search");
  await query(page, 'subject:"term sheet"');
  await count(page, "1 family");
  await page.keyboard.press("Escape");
  await page.locator("body").press("j");
  await seen(page.getByRole("heading", { name: /Term sheet v4/ }));
  const read = page.url();
  await page.getByRole("link", { name: "Matters" }).click();
  await seen(page.getByRole("row", { name: /Fabrikam merger/ }));

  const me = await (await page.request.get("/api/v1/session")).json();
  await page.request.delete("/api/v1/session", { headers: { "x-muniment-csrf": me.csrf } });
  await page.getByRole("row", { name: /Fabrikam merger/ }).click();
  await seen(page.getByRole("heading", { name: "Sign in" }));
  await page.getByLabel("Name").fill(STRANGER.name);
  await page.getByLabel("Password").fill(STRANGER.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await seen(page.getByRole("heading", { name: "Open a matter to search" }));

  // Back to the address of the message, without a new page: it is asked for, and refused.
  await page.evaluate(() => {
    window.drawn = "";
    new MutationObserver(() => (window.drawn += document.body.innerText)).observe(document.body, {
      childList: true,
      subtree: true,
    });
  });
  while (page.url() !== read) await page.goBack();
  await seen(page.getByRole("heading", { name: "Open a matter to search" }));
  assert.doesNotMatch(await page.evaluate(() => window.drawn), /Term sheet|Fabrikam/);
  await signOut(page);
}

/** Signing out in one tab signs out the others. */
export async function twoTabs({ page, context }) {
  await signIn(page, LEGAL.name, LEGAL.password);
  await seen(page.getByRole("textbox", { name: "Query" }));
  const other = await context.newPage();
  await other.goto("/matters");
  await seen(other.getByRole("row", { name: /Fabrikam merger/ }));
  await signOut(page);
  await seen(other.getByRole("heading", { name: "Sign in" }));
  await other.close();
}
