// Debian's Chromium, without its habit of calling home, and the checks that hold on every page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });

/** A page that remembers every error it logs: scripts that fail, policies that refuse, loads from elsewhere. */
export async function open(browser, { url, width = 1280, height = 800, theme = "light", state }) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height },
    colorScheme: theme,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
    acceptDownloads: true,
    storageState: state,
    permissions: ["clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself reports refused requests; the tests expect some.
    if (
      message.type() === "error" &&
      !/Failed to load resource: .* (401|403|404|409|422|429)/.test(message.text())
    )
      faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(blob|data|about):/.test(request.url()))
      faults.push(`request to ${request.url()}`);
  });
  return { context, page, faults };
}

/** What axe finds on the page as it stands; the mail in its frame is not ours. */
export async function accessibility(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(
      { exclude: [["iframe"]] },
      { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], iframes: false },
    ),
  );
  return found.violations.map(
    (v) =>
      `${v.id}: ${v.help}: ${v.nodes
        .slice(0, 4)
        .map((n) => `${n.target} ${n.any.concat(n.all)[0]?.message ?? ""}`)
        .join(" | ")}`,
  );
}

/** Nothing but lists and panes may scroll: the page itself fits its window. */
export const overflow = (page) =>
  page.evaluate(() => {
    const root = document.documentElement;
    return root.scrollWidth > root.clientWidth
      ? `the page is ${root.scrollWidth} px wide in ${root.clientWidth}`
      : null;
  });
