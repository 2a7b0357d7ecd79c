// A stand-in for the archive, for work on the app before the server stands. Development only.
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const dist = new URL("../../dist", import.meta.url).pathname;
const N = Number(process.env.HITS ?? 4213);
let seed = 7;
const rnd = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff);
const pick = (a) => a[Math.floor(rnd() * a.length)];
const sha = (x) => createHash("sha256").update(String(x)).digest("hex");
const people = [["Alice Ito", "alice.ito"], ["Bob Lay", "bob.lay"], ["Carol Wu", "carol.wu"], ["Dmitri Sokolov", "dmitri.sokolov"], ["Elena Márquez", "elena.marquez"], ["Farid Haddad", "farid.haddad"], ["Grace Okafor", "grace.okafor"], ["Hiro Tanaka", "hiro.tanaka"], ["Ingrid Voss", "ingrid.voss"]].map(([n, a]) => ({ n, a: `${a}@northwind.test` }));
const subjects = ["Q3 plan and the board pack", "Term sheet v4", "Re: merger, next steps", "Budget freeze from Monday", "Minutes of 14 January", "Invoice 20418 overdue", "Re: Re: supplier audit findings", "Fwd: press enquiry", "Prüfbericht Werk Süd", "見積書の件", "Travel to Oslo", "Access to the data room", "Draft of the separation agreement", "Lunch on Thursday?"];
const snips = ["… the merger with Fabrikam closes in March if the board agrees, so keep the numbers out of mail until then …", "… as discussed, the budget stays frozen and nobody outside of this list should hear of the merger before …", "… attached is the fourth version with the changes that counsel asked for on clause nine …", ""];
const hit = (i) => {
  seed = i * 7919 + 13; rnd(); rnd();
  const f = pick(people), to = [pick(people), pick(people)], t = Date.parse("2026-03-30T16:12:00Z") - i * 9.1e6 - rnd() * 4e6;
  const text = pick(snips); const m = text.indexOf("merger");
  return { id: i + 1, received_at: new Date(t).toISOString(), sent_at: new Date(t - 9000).toISOString(), from: `${f.n} <${f.a}>`, to: to.map((p) => p.a), to_count: 2 + Math.floor(rnd() * 3), subject: pick(subjects), snippet: { text, marks: m >= 0 ? [[m, m + 6]] : [] }, attachments: rnd() > 0.7 ? 1 + Math.floor(rnd() * 5) : 0, size: Math.floor(2000 + rnd() ** 4 * 4e6), is_held: rnd() > 0.75, is_proven: rnd() > 0.04, deliveries: rnd() > 0.8 ? 2 + Math.floor(rnd() * 2) : 1 };
};
const state = {
  users: { legal: { name: "mila", display_name: "Mila Brandt", role: "legal", is_archive_wide: true, must_change: false }, admin: { name: "admin", display_name: "Sam Ortiz", role: "administrator", is_archive_wide: false, must_change: false } },
  me: null,
  matters: [{ id: 1, name: "Fabrikam merger", reference: "26-cv-01184", zone: "Europe/Berlin", is_closed: false, created_at: "2026-02-03T09:00:00Z", created_by: "mila", members: [{ id: 2, name: "Mila Brandt" }, { id: 3, name: "Jonas Weber" }] }, { id: 2, name: "Supplier audit", reference: "INV-7", zone: "UTC", is_closed: false, created_at: "2026-03-10T10:00:00Z", created_by: "mila", members: [{ id: 2, name: "Mila Brandt" }] }],
  custodians: { 1: [{ id: 1, name: "Alice Ito", addresses: ["alice.ito@northwind.test", "a.ito@northwind.test", "ito@northwind-labs.test"] }, { id: 2, name: "Bob Lay", addresses: ["bob.lay@northwind.test"] }, { id: 3, name: "Carol Wu", addresses: ["carol.wu@northwind.test", "cwu@northwind.test"] }], 2: [] },
  holds: { 1: [{ id: 1, matter_id: 1, name: "Preservation letter of 3 February", custodians: [{ id: 1, name: "Alice Ito" }, { id: 2, name: "Bob Lay" }], date_kind: "sent", from: "2025-06-01", until: null, is_ongoing: true, placed_at: "2026-02-03T10:12:00Z", placed_by: "mila", released_at: null, released_by: null, release_reason: null, families: 861 }, { id: 2, matter_id: 1, name: "Interim, board only", custodians: [{ id: 3, name: "Carol Wu" }], date_kind: "received", from: "2025-01-01", until: "2025-12-31", is_ongoing: false, placed_at: "2026-01-15T08:00:00Z", placed_by: "mila", released_at: "2026-02-03T10:20:00Z", released_by: "mila", release_reason: "Replaced by the letter of 3 February", families: 214 }], 2: [] },
  people: [{ id: 1, name: "admin", display_name: "Sam Ortiz", role: "administrator", is_archive_wide: false, must_change: false, is_disabled: false, created_at: "2026-01-02T09:00:00Z" }, { id: 2, name: "mila", display_name: "Mila Brandt", role: "legal", is_archive_wide: true, must_change: false, is_disabled: false, created_at: "2026-01-02T09:10:00Z" }, { id: 3, name: "jonas", display_name: "Jonas Weber", role: "legal", is_archive_wide: false, must_change: true, is_disabled: false, created_at: "2026-02-11T12:00:00Z" }, { id: 4, name: "old", display_name: "Rita Blum", role: "legal", is_archive_wide: false, must_change: false, is_disabled: true, created_at: "2026-01-12T12:00:00Z" }],
  exports: [{ id: 1, kind: "export", matter_id: 1, asked_by: "mila", state: "done", done: 861, total: 861, created_at: "2026-03-29T14:00:00Z", started_at: "2026-03-29T14:00:01Z", ended_at: "2026-03-29T14:01:10Z", name: "First production", format: "eml", size: 48213377, sha256: sha("e1"), error: null }, { id: 2, kind: "export", matter_id: null, asked_by: "mila", state: "failed", done: 12, total: 400, created_at: "2026-03-30T14:00:00Z", started_at: "2026-03-30T14:00:01Z", ended_at: "2026-03-30T14:01:10Z", name: "budget", format: "mbox", size: null, sha256: null, error: "write bundle: no space left on device; free space in the work folder, then ask again" }],
};
const matter = (m) => ({ ...m, custodians: state.custodians[m.id].length, holds: state.holds[m.id].filter((h) => !h.released_at).length });
const checkpoint = () => `northwind.test/muniment\n18422\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n— northwind.test/muniment XQ9NkgzNP0mUBLbAVL3v5v1n0xV3aXy9p0cXbUlwFz1Bf7fVb2cU6nqXKzKq9bWq2sQ8d7q0R1bO9e2w1sJmCw==\n`;
const key = "northwind.test/muniment+5d0f4d92+AYkT5b3d9Zq3w1sJmCwXQ9NkgzNP0mUBLbAVL3v5v1n0";
const actions = ["search", "message.view", "message.proof", "hold.preview", "hold.place", "export.create", "session.begin", "custodian.add", "audit.view"];
const auditRow = (i) => ({ id: 5000 - i, at: new Date(Date.parse("2026-03-30T16:00:00Z") - i * 71000).toISOString(), actor: i % 5 ? "mila" : "jonas", action: actions[i % actions.length], matter_id: i % 3 ? 1 : null, subject: ["merger AND from:alice", "message 218", "delivery 40211", "Preservation letter", "861 families"][i % 5], detail: JSON.stringify({ query: "merger AND from:alice", families: 861 }), outcome: i % 17 === 3 ? "refused" : "done" });
const problem = (status, code, message, hint, span) => ({ status, body: { error: { code, message, hint, span } } });
const ok = (body, status = 200) => ({ status, body });
const page = (b, total) => { const at = Number(b.cursor ?? 0), limit = Math.min(b.limit ?? 50, 200), end = Math.min(at + limit, total); return { hits: Array.from({ length: Math.max(0, end - at) }, (_, k) => hit(at + k)), next: end < total ? String(end) : null }; };
const message = (id) => {
  const h = hit(id - 1);
  const body = `Alice, Bob,\n\nas discussed on the phone, the merger with Fabrikam closes in March if the board agrees. Until then:\n\n  • the budget stays frozen,\n  • nobody outside of this list hears of the merger,\n  • the data room opens on Monday, access goes through Carol.\n\nThe fourth version of the term sheet is attached, with the changes that counsel asked for on clause nine (indemnities) and eleven (retention of key people). I would like your marks by Thursday noon, so that we can send it to their side before the weekend.\n\nOne more thing. The plan for the third quarter assumes that we close before the end of May. If the regulator asks for a second round, the numbers in the board pack are wrong, and we should say so now rather than later.\n\nRegards\n${h.from.split(" <")[0]}\n\n> On 12 Jan 2026, Bob Lay wrote:\n> Can we still keep the merger out of the quarterly letter?\n> I would rather not write anything that we then have to take back.\n`.repeat(2);
  const deliveries = Array.from({ length: h.deliveries }, (_, k) => ({ seq: 40211 + k + id, record_id: sha(`r${id}${k}`).slice(0, 32), received_at: h.received_at, source: k ? "Postfix relay" : "Microsoft 365", form: k ? "bare" : "report", peer: "40.107.22.84", tls: "TLSv1.3 TLS_AES_256_GCM_SHA384", reverse_path: "", recipients: ["j7kq2m9x@archive.northwind.test"], is_proven: h.is_proven, defects: h.is_proven ? [] : ["the outer organisation is not this source's"], class: "default", sha256: sha(`d${id}${k}`), size: h.size + 2100 }));
  const names = h.to.map((a) => people.find((p) => p.a === a));
  const seq = deliveries[0].seq;
  return { hit: h, headers: [["From", h.from], ["To", names.map((p) => `${p.n} <${p.a}>`).join(", ")], ["Cc", "board@northwind.test"], ["Subject", h.subject], ["Date", new Date(h.sent_at).toUTCString()], ["Message-ID", `<${sha(id).slice(0, 20)}@northwind.test>`], ["MIME-Version", "1.0"], ["Content-Type", 'multipart/mixed; boundary="=_b1"'], ["Received", "from mail.northwind.test (10.0.0.4) by ex02.northwind.test (10.0.0.9) with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.1.2507.6"]].map(([name, value]) => ({ name, value })), text: body, has_html: true,
    attachments: Array.from({ length: h.attachments }, (_, k) => ({ ordinal: k, name: ["Term sheet v4.docx", "Board pack Q3 (draft, do not forward).pdf", "numbers.xlsx", "photo.jpg", "notes.txt"][k % 5], media_type: "application/octet-stream", size: 18000 + k * 91000, sha256: sha(`a${id}${k}`), has_text: k === 4 })),
    participants: [{ address: h.from.match(/<(.*)>/)[1], name: h.from.split(" <")[0], role: "from", source: "header", delivery: null }, ...names.map((p) => ({ address: p.a, name: p.n, role: "to", source: "header", delivery: null })), ...names.map((p) => ({ address: p.a, name: "", role: "to", source: "envelope", delivery: seq })), { address: "board@northwind.test", name: "Board", role: "cc", source: "header", delivery: null }, ...["grace.okafor", "hiro.tanaka"].map((a) => ({ address: `${a}@northwind.test`, name: "", role: "cc", source: "envelope", delivery: seq, via: "board@northwind.test" })), { address: "hidden.counsel@lawfirm.test", name: "", role: "bcc", source: "envelope", delivery: seq }],
    deliveries, holds: h.is_held ? [{ id: 1, name: "Preservation letter of 3 February", matter_id: 1 }] : [], gaps: id % 9 === 0 ? [{ reason: "encrypted attachment", detail: "numbers.xlsx", ordinal: 2 }] : [], versions: [{ sha256: sha("v" + id), size: h.size }] };
};
async function handle(method, path, url, body) {
  const p = path.split("/").slice(1);
  if (path === "/session") {
    if (method === "GET") return state.me ? ok(state.me) : problem(401, "signed_out", "You are not signed in.");
    if (method === "DELETE") { state.me = null; return ok(null, 204); }
    const u = body.name === "admin" ? state.users.admin : body.name === "mila" || body.name === "new" ? state.users.legal : null;
    if (!u || body.password === "wrong") return problem(401, "wrong", "The name or the password is wrong.", "After five failures the wait grows.");
    state.me = { ...u, must_change: body.name === "new", csrf: "c" };
    return ok(state.me);
  }
  if (path === "/session/password") { state.me = { ...state.me, must_change: false }; return ok(state.me); }
  if (!state.me) return problem(401, "signed_out", "You are not signed in.");
  if (path === "/status") return ok({ archive_id: "b5c1a6d2-7f0e", version: "0.1.0", worm: { enforced: false, text: "The bucket is a local folder. Whoever can write to its disk can delete from it; the log would show it." }, sources: [{ name: "Microsoft 365", address: "j7kq2m9x@archive.northwind.test", last_seen: new Date(Date.now() - 4000).toISOString(), deliveries: 17311 }, { name: "Postfix relay", address: "p02xk81v@archive.northwind.test", last_seen: new Date(Date.now() - 190000).toISOString(), deliveries: 1111 }, { name: "Old Exchange", address: "x93jd02k@archive.northwind.test", last_seen: null, deliveries: 0 }], deliveries: 18422, messages: 15208, bytes_received: 2812345678, bytes_stored: 1145678901, index: { behind: Number(process.env.BEHIND ?? 0), oldest_waiting: null }, log: { size: 18422, published: 18422, checkpoint: checkpoint(), key }, gaps: 3, jobs: { running: 1, queued: 0 } });
  if (path === "/people" && method === "GET") return state.me.role === "administrator" ? ok({ people: state.people }) : problem(403, "forbidden", "Only an administrator sees the people of the archive.");
  if (path === "/people") { const person = { id: 9, must_change: true, is_disabled: false, created_at: new Date().toISOString(), ...body }; state.people.push(person); return ok({ person, one_time_password: "maple-orbit-47-tundra" }); }
  if (p[0] === "people" && p[2] === "reset") return ok({ one_time_password: "ember-quay-19-lattice" });
  if (p[0] === "people") return ok(Object.assign(state.people.find((x) => x.id === Number(p[1])), body));
  if (path === "/matters" && method === "GET") return ok({ matters: state.matters.map(matter) });
  if (path === "/matters") { const m = { id: state.matters.length + 1, is_closed: false, created_at: new Date().toISOString(), created_by: "mila", members: [{ id: 2, name: "Mila Brandt" }], ...body }; state.matters.push(m); state.custodians[m.id] = []; state.holds[m.id] = []; return ok(matter(m)); }
  if (p[0] === "matters") {
    const id = Number(p[1]), m = state.matters.find((x) => x.id === id);
    if (!m) return problem(404, "hidden", "There is no such matter.");
    if (!p[2]) return ok(matter(method === "PATCH" ? Object.assign(m, body) : m));
    if (p[2] === "custodians") {
      const list = state.custodians[id];
      if (method === "GET") return ok({ custodians: list });
      if (method === "POST") { const c = { id: 10 + list.length, ...body }; list.push(c); return ok(c); }
      if (method === "DELETE") { state.custodians[id] = list.filter((c) => c.id !== Number(p[3])); return ok(null, 204); }
      return ok(Object.assign(list.find((c) => c.id === Number(p[3])), body));
    }
    const holds = state.holds[id];
    if (!p[3]) { if (method === "GET") return ok({ holds }); const h = { id: holds.length + 1, matter_id: id, custodians: state.custodians[id].filter((c) => body.custodian_ids.includes(c.id)).map(({ id, name }) => ({ id, name })), placed_at: new Date().toISOString(), placed_by: "mila", released_at: null, released_by: null, release_reason: null, families: 431, from: null, until: null, ...body }; holds.push(h); return ok(h); }
    if (p[3] === "preview") return ok({ families: 431 * body.custodian_ids.length, messages: 440 * body.custodian_ids.length, bytes: 88123123, not_indexed: 2, sample: [0, 4, 9, 12, 31].map(hit) });
    const h = holds.find((x) => x.id === Number(p[3]));
    if (!h) return problem(404, "hidden", "There is no such hold.");
    if (!p[4]) return ok(h);
    if (p[4] === "items") return ok({ total: h.families, ...page({ cursor: url.searchParams.get("cursor") ?? 0, limit: Number(url.searchParams.get("limit") ?? 50) }, h.families) });
    return ok(Object.assign(h, { released_at: new Date().toISOString(), released_by: "mila", release_reason: body.reason }));
  }
  if (path === "/search") {
    if ((body.query.match(/\(/g) ?? []).length !== (body.query.match(/\)/g) ?? []).length) { const at = body.query.indexOf("("); return problem(422, "query", "This parenthesis is never closed.", "Close it with ), or put the words in quotes.", [at, at + 1]); }
    const total = body.query.includes("nothing") ? 0 : body.query ? Math.ceil(N / 5) : N;
    return ok({ total_families: total, total_messages: Math.floor(total * 1.18), elapsed_ms: 41, parsed: body.query.replace(/ (?!AND|OR|NOT)/g, " "), warnings: [], gaps: total ? 3 : 0, behind: 0, ...page(body, total) });
  }
  if (path === "/search/complete") return ok({ values: people.map((x) => x.a).filter((a) => a.includes(body.prefix)).slice(0, 8) });
  if (p[0] === "messages") {
    const id = Number(p[1]);
    if (!p[2]) return ok(message(id));
    if (p[2] === "html") return { raw: `<!doctype html><meta charset=utf-8><style>body{font:14px sans-serif;margin:16px;${url.searchParams.get("theme") === "dark" ? "background:#191a1d;color:#e9e9eb" : ""}}table{border-collapse:collapse}td{border:1px solid #8888;padding:4px 10px}</style><p>Alice, Bob,<p>the <b>merger</b> with Fabrikam closes in March.<table><tr><td>Q3<td>41.2<tr><td>Q4<td>44.9</table><p><img alt="[remote image blocked]">`, type: "text/html; charset=utf-8", headers: { "x-blocked-remote": "2", "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:" } };
    if (p[2] === "source" || p[2] === "download") return { raw: message(id).headers.map((h) => `${h.name}: ${h.value}\r\n`).join("") + "\r\n" + message(id).text, type: "text/plain; charset=utf-8" };
    if (p[2] === "attachments") return { raw: "bytes", type: "application/octet-stream" };
    return ok({ record_id: sha("r" + id).slice(0, 32), message_sha256: sha("v" + id), delivery_sha256: sha(`d${id}0`), leaf_hash: sha("l" + id), leaf_position: 12000 + id, log_size: 18422, root: sha("root"), checkpoint: checkpoint(), key, pending: false, summary: "This message is exactly what the archive received on 30 Mar 2026 16:12 from Microsoft 365, and it is leaf 12,218 of a log of 18,422 whose checkpoint the archive signed.", checks: [["Bytes", "The stored record was opened and its delivery hashes to the value that was recorded."], ["Message", "The message inside the delivery hashes to the value that the leaf commits to."], ["Commitment", "The commitment opens with its salt, and leads to the leaf's commitment root."], ["Inclusion", "The leaf is in the log: 14 hashes lead from it to the root."], ["Checkpoint", "The root is the one in the checkpoint, and the signature is by the log's key."]].map(([name, text]) => ({ name, text, ok: true })) });
  }
  if (path === "/exports" && method === "POST") { const j = { id: state.exports.length + 1, kind: "export", matter_id: body.matter_id, asked_by: "mila", state: "running", done: 0, total: 843, created_at: new Date().toISOString(), started_at: new Date().toISOString(), ended_at: null, name: body.name, format: body.format, size: null, sha256: null, error: null }; state.exports.unshift(j); const t = setInterval(() => { j.done = Math.min(j.total, j.done + 60); if (j.state !== "running") clearInterval(t); else if (j.done === j.total) Object.assign(j, { state: "done", ended_at: new Date().toISOString(), size: 31415926, sha256: sha("x" + j.id) }); }, 300); return ok(j); }
  if (path === "/exports") return ok({ exports: state.exports });
  if (p[0] === "exports") { const j = state.exports.find((x) => x.id === Number(p[1])); if (p[2] === "cancel") j.state = "cancelled"; if (p[2] === "download") return { raw: "PK", type: "application/zip" }; return ok(j); }
  if (path === "/audit") { const at = Number(url.searchParams.get("cursor") ?? 0), limit = Number(url.searchParams.get("limit") ?? 50); return ok({ rows: Array.from({ length: limit }, (_, k) => auditRow(at + k)), next: at + limit < 500 ? String(at + limit) : null }); }
  return problem(404, "hidden", "Nothing here.");
}
const types = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml" };
export const server = createServer(async (req, res) => {
  const url = new URL(req.url, "http://x");
  const chunks = []; for await (const c of req) chunks.push(c);
  if (url.pathname.startsWith("/api/v1/")) {
    const r = await handle(req.method === "HEAD" ? "GET" : req.method, url.pathname.slice(7), url, chunks.length ? JSON.parse(Buffer.concat(chunks)) : {});
    await new Promise((go) => setTimeout(go, Number(process.env.DELAY ?? 15)));
    if (r.raw !== undefined) { res.writeHead(200, { "content-type": r.type, ...r.headers }); return res.end(r.raw); }
    res.writeHead(r.status, { "content-type": "application/json" });
    return res.end(r.body === null ? undefined : JSON.stringify(r.body));
  }
  const file = extname(url.pathname) ? url.pathname : "/index.html";
  try { const bytes = await readFile(join(dist, file)); res.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'" }); res.end(bytes); } catch { res.writeHead(404); res.end(); }
});
if (process.argv[1]?.endsWith("mock/server.mjs")) server.listen(Number(process.env.PORT ?? 8099), "127.0.0.1");
void randomBytes;
