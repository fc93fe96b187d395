// `ticket serve` over a SQLite store.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A store, and the command that serves it. */
export class Server {
  constructor(programs, url, child, address) {
    this.programs = programs;
    this.url = url;
    this.child = child;
    this.address = address;
  }

  /** Starts `ticket serve` over the store `name` in `folder`, after filling it with `records`. */
  static async start(programs, folder, name, records, args = []) {
    const url = `sqlite:${join(folder, `${name}.db`)}`;
    await fill(programs, url, records);
    const serve = ["--url", url, "serve", "--listen", "127.0.0.1:0", ...args];
    const child = spawn(programs.ticket, serve, { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: child.stdout })) {
      const address = line.match(/^listening on (http:\S+)\/$/)?.[1];
      if (address) return new Server(programs, url, child, address);
    }
    throw new Error(`\`ticket serve\` ended without an address: ${child.exitCode}`);
  }

  /** Records more. */
  async record(records) {
    await fill(this.programs, this.url, records);
  }

  async stop() {
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }
}

async function fill(programs, url, records) {
  const child = spawn(programs.fill, [url], { stdio: ["pipe", "inherit", "inherit"] });
  // If it ends early, its own message and status say more than that it no longer reads.
  child.stdin.on("error", () => {});
  child.stdin.end(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const [code, signal] = await once(child, "exit");
  if (code !== 0) throw new Error(`filling ${url} failed: ${code ?? signal}`);
}
