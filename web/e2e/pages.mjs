// Every page as it is looked at: its address, what shows that it is there, and what is opened on it.

import assert from "node:assert/strict";

const get = async (page, path) => (await page.request.get(`/api/v1${path}`)).json();

/** On every row that has a mark, the first one is in view, whole: at this width, and between it and the next. */
async function marks(page) {
  const { width, height } = page.viewportSize();
  for (const wide of width < 600 ? [width] : [width, 1366, 1440, 1600, 1760]) {
    await page.setViewportSize({ width: wide, height });
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    const [rows, hidden] = await page.locator(".hit-snippet.is-marked").evaluateAll((all) => [
      all.length,
      all
        .filter((line) => {
          const [own, mark] = [line.getBoundingClientRect(), line.querySelector("mark")];
          const { left, right, width } = mark.getBoundingClientRect();
          return left < own.left || right > own.right + 0.5 || mark.scrollWidth > Math.ceil(width);
        })
        .map((line) => line.textContent),
    ]);
    assert.ok(rows > 5, `${rows} rows have a mark`);
    assert.deepEqual(hidden, [], `the first mark of a snippet is cut off at ${wide} px`);
  }
  await page.setViewportSize({ width, height });
}

export async function pages(page) {
  const matter = (await get(page, "/matters")).matters[0].id;
  const hold = (await get(page, `/matters/${matter}/holds`)).holds[0].id;
  const csrf = (await get(page, "/session")).csrf;
  const found = await page.request.post("/api/v1/search", {
    headers: { "x-muniment-csrf": csrf },
    data: { matter_id: matter, query: "subject:sheet", dialect: "kql" },
  });
  const message = (await found.json()).hits[0].id;
  const search = `/search?matter=${matter}&q=merger&m=${message}`;
  return [
    { name: "search", path: search, ready: ".message-text" },
    {
      name: "filters",
      path: `/search?matter=${matter}&from=2025-06-01`,
      ready: ".table-row .hit-subject",
      act: (p) => p.locator(".filters .field-label").first().waitFor(),
    },
    {
      name: "facets",
      path: `/search?matter=${matter}&q=merger`,
      ready: ".table-row .hit-subject",
      act: async (p) => {
        await p.locator("body").press("f");
        await p.locator(".facet-value").first().waitFor();
      },
    },
    { name: "marks", path: `/search?matter=${matter}&q=certificate`, ready: ".hit-snippet mark", act: marks },
    { name: "envelope", path: `${search}&tab=envelope`, ready: ".known td" },
    { name: "thread", path: `${search}&tab=thread`, ready: ".view-thread .table-row .cell span" },
    { name: "near", path: `${search}&tab=near`, ready: ".view-thread-foot" },
    { name: "proof", path: `${search}&tab=proof`, ready: ".verdict-good" },
    { name: "headers", path: `${search}&tab=headers`, ready: ".header-list dd" },
    { name: "html", path: `${search}&tab=html`, ready: "iframe" },
    { name: "matters", path: "/matters", ready: ".table-row" },
    { name: "matter", path: `/matters/${matter}`, ready: ".happened li" },
    {
      name: "passwords",
      path: `/matters/${matter}`,
      ready: ".happened li",
      act: async (p) => {
        await p.getByRole("button", { name: "Add passwords" }).click();
        await p.getByRole("dialog").getByLabel("Passwords").fill("heron\ncrane");
      },
    },
    { name: "hold", path: `/matters/${matter}/holds/${hold}`, ready: ".table-row .hit-subject" },
    { name: "exports", path: "/exports?id=1", ready: ".copyable" },
    { name: "audit", path: "/audit", ready: ".table-row .cell span" },
    { name: "status", path: "/status", ready: ".sentence" },
    { name: "nothing", path: `/search?matter=${matter}&q=zyzzyva`, ready: ".empty" },
    {
      name: "gaps",
      path: `/gaps?matter=${matter}`,
      ready: ".gaps .table-row .cell span",
      act: async (p) => {
        await p.locator("body").press("f");
        await p.locator(".gap-counts .facet-value:focus").waitFor();
        const { width } = await p.locator(".gap-counts").boundingBox();
        const wide = p.viewportSize().width;
        if (wide >= 1280) assert.ok(width <= 260, `the counts are ${width} px wide`);
      },
    },
    {
      name: "gaps-narrowed",
      path: `/gaps?matter=${matter}&reason=encrypted&media_type=none`,
      ready: ".gaps .empty",
    },
    { name: "lost", path: "/nowhere", ready: ".empty" },
  ];
}
