// A small company's mail as Exchange journals it: the same every time.

import { readFileSync } from "node:fs";

const DOMAIN = "northwind.test";
export const TENANT = "northwind.onmicrosoft.com";
export const people = {
  alice: ["Alice Ito", `alice.ito@${DOMAIN}`],
  bob: ["Bob Lay", `bob.lay@${DOMAIN}`],
  carol: ["Carol Wu", `carol.wu@${DOMAIN}`],
  dmitri: ["Dmitri Sokolov", `dmitri.sokolov@${DOMAIN}`],
  elena: ["Elena Márquez", `elena.marquez@${DOMAIN}`],
  farid: ["Farid Haddad", `farid.haddad@${DOMAIN}`],
  grace: ["Grace Okafor", `grace.okafor@${DOMAIN}`],
  ingrid: ["Ingrid Voss", `ingrid.voss@${DOMAIN}`],
  counsel: ["", "hidden.counsel@lawfirm.test"],
  board: ["Board", `board@${DOMAIN}`],
  home: ["", "grace@home.test"],
  liar: [`carol.wu@${DOMAIN}`, "payments@attacker.test"],
};

const encoded = (text) =>
  /^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString("base64")}?=`;
const mailbox = (key) => {
  const [name, address] = people[key];
  return name ? `${name.includes("@") ? `"${name}"` : encoded(name)} <${address}>` : address;
};
const base64 = (text) => Buffer.from(text).toString("base64").replace(/.{76}/g, "$&\r\n");

const idOf = ({ subject, at }) =>
  `<${Buffer.from(`${subject}${at}`).toString("hex").slice(0, 24)}@${DOMAIN}>`;

function original({ from, to, cc = [], subject, at, date, text, html, files = [], reply }) {
  const id = idOf({ subject, at });
  const head = [
    `From: ${mailbox(from)}`,
    `To: ${to.map(mailbox).join(",\r\n ")}`,
    ...(cc.length ? [`Cc: ${cc.map(mailbox).join(",\r\n ")}`] : []),
    `Subject: ${encoded(subject)}`,
    `Date: ${date ?? new Date(at).toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: ${id}`,
    ...(reply ? [`In-Reply-To: ${reply}`, `References: ${reply}`] : []),
    "MIME-Version: 1.0",
  ];
  const plain = `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(text)}`;
  const rich =
    html &&
    `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(html)}`;
  const body = rich
    ? `Content-Type: multipart/alternative; boundary="alt"\r\n\r\n--alt\r\n${plain}\r\n--alt\r\n${rich}\r\n--alt--\r\n`
    : plain;
  if (!files.length) return { id, bytes: `${head.join("\r\n")}\r\n${body}\r\n` };
  const parts = files.map(
    ([name, type, content]) =>
      `Content-Type: ${type}\r\nContent-Disposition: attachment; filename*=utf-8''${encodeURIComponent(name)}\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(content)}`,
  );
  const all = [body, ...parts].map((part) => `--mix\r\n${part}\r\n`).join("");
  return {
    id,
    bytes: `${head.join("\r\n")}\r\nContent-Type: multipart/mixed; boundary="mix"\r\n\r\n${all}--mix--\r\n`,
  };
}

const addressOf = (key) => people[key]?.[1] ?? key;

/** A journal report around a message, with typed recipients, as Exchange Online writes it. */
function report(mail, recipients, tenant = TENANT) {
  const { id, bytes } = original(mail);
  const [, sender] = people[mail.from];
  const lines = [
    `Sender: ${sender}`,
    `Subject: ${encoded(mail.subject)}`,
    `Message-Id: ${id}`,
    ...recipients.map(
      ([kind, key, way, of]) => `${kind}: ${addressOf(key)}${way ? `, ${way}: ${addressOf(of)}` : ""}`,
    ),
  ];
  return [
    `From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@${tenant}>`,
    "To: <journal@archive.invalid>",
    `Subject: ${encoded(mail.subject)}`,
    `Date: ${new Date(mail.at + 4000).toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${Buffer.from(id + recipients.join())
      .toString("hex")
      .slice(-28)}@journal.report.generator>`,
    "X-MS-Journal-Report:",
    `X-OriginatorOrg: ${tenant}`,
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="report"',
    "",
    "--report",
    'Content-Type: text/plain; charset="us-ascii"',
    "Content-Transfer-Encoding: 7bit",
    "",
    ...lines,
    "",
    "--report",
    "Content-Type: message/rfc822",
    "",
    `${bytes}`,
    "--report--",
    "",
  ].join("\r\n");
}

const TALK = [
  [
    "Q3 plan and the board pack",
    "The plan for the third quarter is in the board pack. Please check the budget lines of your team before Thursday; what is wrong now will be read out by others later.",
  ],
  [
    "Budget freeze from Monday",
    "From Monday on the budget is frozen. Orders that are placed stay placed; everything new needs a line from me.",
  ],
  [
    "Supplier audit, findings",
    "The audit of the supplier found three things. Two are paperwork. The third is the missing certificate for the March delivery, and that one we have to report.",
  ],
  [
    "Access to the data room",
    "The data room opens on Monday. Access goes through Carol; tell her who needs what, and for how long.",
  ],
  [
    "Prüfbericht Werk Süd",
    "Anbei der Prüfbericht für das Werk Süd. Die Abweichung bei Linie 4 ist behoben, die Freigabe liegt bei Ingrid.",
  ],
  ["Travel to Oslo", "I am in Oslo from Tuesday. The hotel has a desk but no patience, so call before ten."],
  ["Lunch on Thursday?", "Thursday at the harbour, half past twelve. Grace brings the printouts."],
  [
    "Invoice 20418 overdue",
    "Invoice 20418 is overdue since the ninth. They say it was approved; I find no approval.",
  ],
  [
    "Minutes of 14 January",
    "Minutes attached below. Decided: the merger talks stay with the four of us; the quarterly letter does not mention them.",
  ],
  [
    "Draft of the separation agreement",
    "Here is the draft of the separation agreement. Clause nine is the one that matters, the rest is boilerplate.",
  ],
];

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const ROTA =
  "Bays one to nine are for visitors while it freezes. Whoever comes before seven takes the gravel yard behind the kitchen; whoever comes later takes what is left along the wall, and nobody parks across the gate, since the lorries turn there at eight and again at noon and at four.";

/** Every message that the tests and the pictures need; newest last. */
export function company(count = 120) {
  const keys = Object.keys(people).filter((key) => !["counsel", "board", "home", "liar"].includes(key));
  let seed = 11;
  const next = (n) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >> 8) % n;
  };
  const mails = [];
  const start = Date.parse("2025-03-03T08:10:00Z");
  for (let i = 0; i < count; i += 1) {
    const [subject, text] = TALK[next(TALK.length)];
    const from = keys[next(keys.length)];
    const to = [...new Set([keys[next(keys.length)], keys[next(keys.length)]])].filter((key) => key !== from);
    if (!to.length) to.push(from === "bob" ? "alice" : "bob");
    const cc = i % 4 ? [] : [keys[next(keys.length)]].filter((key) => key !== from && !to.includes(key));
    const at = start + i * 2.9 * 86_400_000 + next(30_000_000);
    const first = people[to[0]][0].split(" ")[0];
    const mail = {
      from,
      to,
      cc,
      at,
      subject: i % 3 === 1 ? `Re: ${subject}` : subject,
      text: `${first},\r\n\r\n${text}\r\n\r\nRegards\r\n${people[from][0]}\r\n\r\n-- \r\nNorthwind · ref ${1000 + i}\r\n`,
      files: i % 5 === 2 ? [["notes.txt", "text/plain", `Notes to reference ${1000 + i}\n${text}\n`]] : [],
    };
    mails.push(report(mail, [...to.map((k) => ["To", k]), ...cc.map((k) => ["Cc", k])]));
  }
  const sheet = {
    from: "alice",
    to: ["bob", "carol"],
    cc: ["dmitri"],
    at: Date.parse("2026-03-30T14:12:00Z"),
    subject: "Term sheet v4, before it goes to Fabrikam",
    text: "Bob, Carol,\r\n\r\nthe fourth version of the term sheet is attached, with the changes that counsel asked for on clause nine (indemnities) and eleven (retention of key people). I would like your marks by Thursday noon, so that it can go to their side before the weekend.\r\n\r\nUntil the board has agreed:\r\n\r\n  • the merger is not mentioned in the quarterly letter,\r\n  • nobody outside of this list hears of it,\r\n  • the budget stays frozen.\r\n\r\nOne more thing. The plan for the third quarter assumes that we close before the end of May. If the regulator asks for a second round, the numbers in the board pack are wrong, and we should say so now rather than later.\r\n\r\nAlice\r\n",
    html: '<html><head><style>td{padding:4px 12px;border:1px solid #999}</style><script>window.top.document.title="owned"</script></head><body onload="alert(1)"><p>Bob, Carol,</p><p>the fourth version of the <b>term sheet</b> is attached.</p><table><tr><td>Clause nine</td><td>indemnities</td></tr><tr><td>Clause eleven</td><td>retention</td></tr></table><img src="http://tracker.lawfirm.test/pixel.gif"><blockquote style="color:#555">On Monday <font color="#333366">Bob</font> asked for it.</blockquote><p>Until the board has agreed, the <i>merger</i> is not mentioned in the quarterly letter.</p></body></html>',
    files: [
      [
        "Term sheet v4.txt",
        "text/plain",
        "Term sheet, version 4\n\n9. Indemnities: capped at the price.\n11. Retention of key people: 24 months.\n",
      ],
      ["numbers.csv", "text/csv", "quarter,revenue\nQ3,41.2\nQ4,44.9\n"],
    ],
  };
  // Two reports of one message: Exchange splits the envelope when recipients are routed apart.
  mails.push(
    report(sheet, [
      ["To", "bob"],
      ["To", "carol"],
      ["Cc", "dmitri"],
    ]),
  );
  mails.push(report(sheet, [["Bcc", "counsel"]]));
  const invitation = {
    from: "carol",
    to: ["board"],
    cc: ["grace"],
    at: Date.parse("2026-03-30T15:40:00Z"),
    subject: "Board call on Friday",
    text: "All,\r\n\r\nthe board meets by telephone on Friday at nine.\r\n\r\nCarol\r\n",
  };
  invitation.files = [["logo.png", "image/png", PIXEL]];
  mails.push(
    report(invitation, [
      ["To", "alice", "Expanded", "board"],
      ["To", "dmitri", "Expanded", "board"],
      ["Cc", "home", "Forwarded", "grace"],
    ]),
  );
  const claim = {
    from: "farid",
    to: ["alice"],
    at: Date.parse("2026-03-30T16:05:00Z"),
    subject: "Payment to the new account",
    text: "Alice,\r\n\r\nthe supplier has a new account; the payment must leave today.\r\n\r\nFarid\r\n",
  };
  mails.push(report(claim, [["To", "alice"]], "stranger.onmicrosoft.com"));
  const disguise = {
    from: "liar",
    to: ["alice"],
    at: Date.parse("2026-03-30T16:20:00Z"),
    subject: "Contract \u202efdp.exe",
    text: "Alice,\r\n\r\nsee the attached contract \u202efdp.exe.\r\n\r\nCarol\r\n",
    files: [["ann\u202efdp.exe", "application/octet-stream", "MZ"]],
  };
  mails.push(report(disguise, [["To", "alice"]]));
  const answer = {
    from: "bob",
    to: ["alice"],
    at: Date.parse("2026-03-30T15:02:00Z"),
    subject: "Re: My marks on the draft",
    reply: idOf(sheet),
    text: "Alice,\r\n\r\nclause nine is fine with me.\r\n\r\nBob\r\n",
  };
  mails.push(report(answer, [["To", "alice"]]));
  // One that is nearly another, and answers it without saying so.
  const rota = {
    from: "alice",
    to: ["bob"],
    at: Date.parse("2025-12-01T09:00:00Z"),
    subject: "Parking rota for the winter",
    text: `${ROTA}\r\n`,
  };
  const again = {
    ...rota,
    from: "bob",
    to: ["alice"],
    at: Date.parse("2025-12-02T09:00:00Z"),
    subject: "Re: Parking rota for the winter",
    text: `${ROTA.replace("gravel", "paved")}\r\n`,
  };
  for (const mail of [rota, again]) mails.push(report(mail, [["To", mail.to[0]]]));
  const everyone = {
    from: "ingrid",
    to: ["alice", "bob", "carol", "dmitri", "elena", "farid"],
    at: Date.parse("2026-03-30T16:25:00Z"),
    subject: "Everyone: the fire drill",
    text: "All,\r\n\r\nthe drill is at noon.\r\n\r\nIngrid\r\n",
  };
  mails.push(report(everyone, [...everyone.to.map((key) => ["To", key])]));
  const undated = {
    from: "bob",
    to: ["alice"],
    at: Date.parse("2026-03-30T16:30:00Z"),
    date: "the day after tomorrow",
    subject: "Keys to the archive room",
    text: "Alice,\r\n\r\nthe keys are with Ingrid.\r\n\r\nBob\r\n",
  };
  mails.push(report(undated, [["To", "alice"]]));
  return mails;
}

/** Documents that can't be read as they come: two that `heron` opens, one that is damaged, one of no known kind. */
export function unreadable() {
  const locked = (name) => readFileSync(new URL(`../../tests/fixtures/locked/${name}`, import.meta.url));
  const zip = locked("old.zip");
  const about = [
    ["bob", "Figures, locked", [["figures.zip", "application/zip", zip]]],
    [
      "alice",
      "Draft, locked",
      [
        [
          "draft v2.docx",
          "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
          locked("agile.docx"),
        ],
      ],
    ],
    ["carol", "From the scanner", [["scan.pdf", "application/pdf", Buffer.from("%PDF-1.7\n1 0 obj\n<<")]]],
    [
      "bob",
      "From the plotter",
      [["plan \u202e2.plt", "application/octet-stream", Buffer.from([1, 2, 3, 0, 255, 9])]],
    ],
  ];
  return about.map(([from, subject, files], i) => {
    const to = from === "alice" ? "bob" : "alice";
    const at = Date.parse("2026-03-30T18:00:00Z") + i * 60_000;
    return report({ from, to: [to], at, subject, text: "See the file.\r\n", files }, [["To", to]]);
  });
}

export const CROWD = 10_000;
/** Characters of a subject. */
export const ENDLESS = 6300;
export const LIST = "everybody@big.example";

/** Mail that is no company's size: a list of ten thousand members, each named by the report; an endless subject. */
export function enormous() {
  const letter = {
    from: "ingrid",
    to: ["alice"],
    at: Date.parse("2026-03-30T17:00:00Z"),
    subject: "Newsletter to everybody",
    text: "All,\r\n\r\nthe newsletter is attached to nothing.\r\n\r\nIngrid\r\n",
  };
  const members = Array.from({ length: CROWD }, (_, i) => `m${String(i).padStart(5, "0")}@big.example`);
  const endless = {
    ...letter,
    at: letter.at + 60_000,
    subject: `Endless ${"words without an end ".repeat(ENDLESS / 21)}`.trim(),
    text: "Alice,\r\n\r\nread on.\r\n\r\nIngrid\r\n",
  };
  return [
    report(endless, [["To", "alice"]]),
    report(letter, [["To", "alice"], ...members.map((member) => ["Bcc", member, "Expanded", LIST])]),
  ];
}
