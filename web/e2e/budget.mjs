// What a first visit loads must stay small: the entry and everything it imports at once, compressed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 300;
const dist = new URL("../dist", import.meta.url).pathname;
const html = readFileSync(join(dist, "index.html"), "utf8");
const seen = new Set();

function add(path) {
  if (seen.has(path)) return;
  seen.add(path);
  if (!path.endsWith(".js")) return;
  const text = readFileSync(join(dist, path), "utf8");
  for (const [, file] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) add(`assets/${file}`);
}
for (const [, file] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) add(file);
// The search desk is what most people see first.
for (const file of readdirSync(join(dist, "assets")))
  if (file.startsWith("SearchDesk-")) add(`assets/${file}`);

const kb = [...seen].reduce((sum, path) => sum + gzipSync(readFileSync(join(dist, path))).length, 0) / 1000;
console.log(
  `first load with the search desk: ${kb.toFixed(0)} kB compressed in ${seen.size} files (limit ${LIMIT_KB})`,
);
const bare = html.replace(/<!--[\s\S]*?-->/g, "");
if (/<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/i.test(bare)) {
  console.error("index.html has inline script or style, which the content security policy forbids");
  process.exit(1);
}
if (kb > LIMIT_KB) process.exit(1);
