// The browser test: a real archive, real mail over SMTP, a real Chromium.
//
//   npm run e2e                 journeys, then every page at three widths in two themes
//   npm run screenshots         the same, and the pages as pictures in screenshots/
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { start } from "./archive.mjs";
import { accessibility, launch, open, overflow } from "./browser.mjs";
import * as gaps from "./gaps.mjs";
import * as journeys from "./journeys.mjs";
import { company } from "./mail.mjs";
import { pages } from "./pages.mjs";
import { readers } from "./readers.mjs";
import * as records from "./records.mjs";
import { send } from "./smtp.mjs";

const pictures = process.argv.includes("--screenshots")
  ? new URL("../screenshots", import.meta.url).pathname
  : null;
if (pictures) mkdirSync(pictures, { recursive: true });
const problems = [];
let step = "start";

/** What must hold on a page that stands still. */
const checker = (page, prefix) => async (name) => {
  step = `${prefix} ${name}`;
  for (const fault of await accessibility(page)) problems.push(`${step}: ${fault}`);
  const wide = await overflow(page);
  if (wide) problems.push(`${step}: ${wide}`);
  if (pictures) await page.screenshot({ path: join(pictures, `${prefix}-${name}.png`) });
  console.log(`ok   ${step}`);
};
const told = (faults, where) => problems.push(...faults.splice(0).map((fault) => `${where}: ${fault}`));

const archive = await start();
const browser = await launch();
let shown;
try {
  const mail = company();
  const receipts = await send(archive.smtp, archive.journal, mail);
  console.log(`ok   journaled ${receipts.length} deliveries: ${receipts.at(-1)}`);

  const desk = await open(browser, { url: archive.url });
  shown = desk.page;
  const check = checker(desk.page, "journey");
  const run = async (name, act) => {
    step = name;
    await act();
    told(desk.faults, name);
    console.log(`ok   ${name}`);
  };
  let oneTime;
  await run("administrator", async () => (oneTime = await journeys.administrator(desk, archive, check)));
  await run("newcomer", () => journeys.newcomer(desk, oneTime));
  await run("caught up", () => journeys.caughtUp(desk, mail.length));
  await run("matter", () => journeys.matter(desk, check));
  await run("search", () => journeys.search(desk, check));
  await run("facets", () => journeys.facets(desk, check));
  await run("message", () => journeys.message(desk, check));
  await run("thread", () => journeys.thread(desk, check));
  await run("near", () => journeys.near(desk, check));
  await run("reached", () => journeys.reached(desk, check));
  await run("impatient", () => journeys.impatient(desk));
  await run("disguised", () => journeys.disguised(desk, check));
  await run("bad filter", () => journeys.badFilter(desk));
  await run("unproven", () => journeys.unproven(desk, check));
  await run("crowded", () => journeys.crowded(desk, check));
  await run("damaged", () => journeys.damaged(desk, check));
  await run("terms", () => journeys.terms(desk, check));
  await run("hold", () => journeys.hold(desk, check));
  const state = await desk.context.storageState();
  await run("export", () => journeys.exported(desk, archive, check));
  await run("gaps", () => gaps.readAgain(desk, archive, check));

  const hand = await open(browser, { url: archive.url, width: 390, height: 844, state });
  shown = hand.page;
  await run("phone", () => journeys.phone(hand));
  told(hand.faults, "phone");
  await hand.context.close();

  for (const [width, height] of [
    [390, 844],
    [1280, 800],
    [1920, 1080],
  ])
    for (const theme of ["light", "dark"]) {
      const look = await open(browser, { url: archive.url, width, height, theme, state });
      shown = look.page;
      const checkPage = checker(look.page, `${width}-${theme}`);
      for (const { name, path, ready, act } of await pages(look.page)) {
        step = `${width}-${theme} ${name}`;
        await look.page.goto(path);
        await look.page.locator(ready).first().waitFor({ state: "visible" });
        await act?.(look.page);
        await checkPage(name);
        told(look.faults, step);
      }
      await look.context.close();
    }
  const old = await start(records.PAST);
  try {
    const look = await open(browser, { url: old.url });
    shown = look.page;
    step = "records";
    await records.decided(look, old, checker(look.page, "records"));
    told(look.faults, step);
    console.log(`ok   ${step}`);
    const other = await open(browser, { url: old.url });
    shown = other.page;
    step = "readers";
    await readers(other, old, checker(other.page, "readers"));
    // Asked on purpose, to be refused.
    told(other.faults, step);
    console.log(`ok   ${step}`);
    await look.context.close();
    await other.context.close();
  } finally {
    await old.stop();
  }

  shown = desk.page;
  await run("release", () => journeys.release(desk, check));
  await run("audit", () => journeys.audit(desk, check));
  await run("enormity", () => journeys.enormity(desk, archive, check));
  await run("unreachable", () => journeys.unreachable(desk));
  await run("two people", () => journeys.twoPeople(desk, archive, check));
  await run("two tabs", () => journeys.twoTabs(desk));
} catch (error) {
  problems.push(`${step}: ${error.stack ?? error}`);
  const picture = join(archive.directory, "..", "muniment-e2e-failed.png");
  await shown?.screenshot({ path: picture }).then(
    () => problems.push(`the page as it was: ${picture} (${shown.url()})`),
    () => {},
  );
  problems.push(`the server's last words:\n${archive.log().slice(-6000)}`);
} finally {
  await browser.close();
  await archive.stop();
}
for (const problem of problems) console.error(`FAIL ${problem}`);
console.log(problems.length ? `${problems.length} problems` : "all journeys and pages are right");
process.exit(problems.length ? 1 : 0);
