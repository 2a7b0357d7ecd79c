// A real archive in a temporary directory: created, served on free ports, and taken down again.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { TENANT } from "./mail.mjs";
import { send } from "./smtp.mjs";

const root = new URL("../..", import.meta.url).pathname;
export const binary = resolve(
  process.env.MUNIMENT_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug", "muniment"),
);

const freePort = () =>
  new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** An archive that is served; with `past`, after it was made and received mail at another time. */
export async function start(past) {
  if (!existsSync(binary)) throw new Error(`there is no ${binary}: cargo build --bin muniment`);
  const directory = mkdtempSync(join(tmpdir(), "muniment-e2e-"));
  const data = join(directory, "archive");
  const then = past ? clockAt(past.at) : {};
  const printed = execFileSync(binary, ["init", "--data", data], {
    encoding: "utf8",
    env: { ...process.env, ...then },
  });
  const line = (name) => new RegExp(`^${name}: (.+)$`, "m").exec(printed)?.[1];
  const [http, smtp] = [await freePort(), await freePort()];
  const config = join(data, "muniment.toml");
  const text = readFileSync(config, "utf8")
    .replace("127.0.0.1:2525", `127.0.0.1:${smtp}`)
    .replace("127.0.0.1:8080", `127.0.0.1:${http}`)
    .replace(/^# originator_org = .*$/m, `originator_org = "${TENANT}"`);
  writeFileSync(config, text);
  const url = `http://127.0.0.1:${http}`;
  const journal = line("journal");
  if (past) {
    const server = await serve(config, url, then);
    await send(smtp, journal, past.mail);
    await server.stop();
  }
  const server = await serve(config, url);
  return {
    url,
    smtp,
    directory,
    login: line("login"),
    password: line("password"),
    journal,
    key: line("log key"),
    log: server.log,
    /** Prints a one-time password. */
    add: (name, role, ...more) =>
      /^password: (.+)$/m.exec(
        execFileSync(binary, ["user", "add", name, "--role", role, "--config", config, ...more], {
          encoding: "utf8",
        }),
      )[1],
    async stop() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What makes a process believe that it is another time. The program itself would stand between us and it. */
function clockAt(at) {
  const printed = execFileSync("faketime", [at, "env"], { encoding: "utf8" });
  const of = (name) => [name, new RegExp(`^${name}=(.+)$`, "m").exec(printed)[1]];
  return Object.fromEntries([of("LD_PRELOAD"), of("FAKETIME")]);
}

/** Resolves when it is ready. */
async function serve(config, url, clock = {}) {
  const server = spawn(binary, ["serve", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, RUST_BACKTRACE: "0", NO_COLOR: "1", ...clock },
  });
  let log = "";
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk) => (log = (log + chunk).slice(-20_000)));
  let ended;
  server.once("exit", (code) => (ended = code ?? "signal"));
  for (let tries = 0; ; tries += 1) {
    if (ended !== undefined) throw new Error(`muniment serve ended (${ended}):\n${log}`);
    try {
      if ((await fetch(`${url}/readyz`)).ok) break;
    } catch {
      // Not listening yet.
    }
    if (tries > 300) throw new Error(`muniment serve is not ready:\n${log}`);
    await new Promise((go) => setTimeout(go, 100));
  }
  return {
    log: () => log,
    async stop() {
      server.kill("SIGTERM");
      await new Promise((done) => (ended === undefined ? server.once("exit", done) : done()));
    },
  };
}
