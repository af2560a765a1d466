// The real program for these tests: `$PROGRAM dev` in a folder of its own, started, broken and ended.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What must happen, happens within this time; in milliseconds. */
export const PATIENCE = 20_000;

/** The program under test. Every variable HUBBUB_… has to be a setting, hence another name. */
export const PROGRAM = process.env.PROGRAM ?? fail("PROGRAM must be the path of the hubbub program");

function fail(message) {
  throw new Error(message);
}

/** The same promise, but it fails loudly when it takes too long. */
export function within(promise, what, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again and again until the answer is truthy. */
export async function eventually(ask, what, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patience} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A token as a developer makes one. */
export async function mint(user, { claims = [], environment = {}, args = [] } = {}) {
  const more = claims.flatMap((claim) => ["--claim", claim]);
  const options = { env: { ...process.env, ...environment } };
  const { stdout } = await run(PROGRAM, ["token", "mint", "--user", user, "-q", ...more, ...args], options);
  return stdout.trim();
}

/** The sum of a metric's series at an address such as http://127.0.0.1:9090/metrics. */
export async function metric(address, name) {
  const text = await (await fetch(address)).text();
  const series = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** `hubbub dev` with a data folder that outlives it. */
export class Dev {
  #child;

  /** Makes the folder and starts it for the first time. */
  static async start(settings = []) {
    const dev = new Dev();
    dev.settings = settings;
    dev.folder = await mkdtemp(join(tmpdir(), "hubbub-stock-"));
    dev.data = join(dev.folder, "data");
    await dev.again();
    return dev;
  }

  /** Starts it with the same folder on free ports, and waits for its links. */
  async again() {
    const settings = this.settings.flatMap((setting) => ["--set", setting]);
    const places = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", this.data];
    const child = spawn(PROGRAM, ["dev", ...places, ...settings], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const printed = new Promise((resolve, reject) => {
      const hear = (bytes) => {
        output += bytes;
        if (output.includes("Stop with Ctrl-C")) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("exit", (code) => reject(new Error(`ended with ${code}: ${output}`)));
    });
    this.#child = child;
    this.ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
    await within(printed, "the links");
    this.links = Object.fromEntries(
      [...output.matchAll(/^ {2}(Alice|Bob) +(http:\S+)$/gm)].map(([, name, link]) => [name, new URL(link)]),
    );
    this.host = this.links.Alice.host;
    this.internal = new URL(output.match(/^ {2}Internal +(\S+)$/m)[1]);
  }

  /** Sends a signal and waits until it has ended; returns its exit code or the signal. */
  async end(signal = "SIGINT") {
    this.#child.kill(signal);
    return within(this.ended, `the end after ${signal}`);
  }

  /** The sum of a metric's series. */
  metric(name) {
    return metric(this.internal, name);
  }

  /** The token in a demo user's link. */
  token(name) {
    return this.links[name].searchParams.get("token");
  }

  /** A token of any user, signed with the generated secret. */
  mint(user, claims = []) {
    return mint(user, { claims, args: ["--data", this.data] });
  }

  /** Ends it whatever state it is in, and removes the folder. */
  async remove() {
    this.#child.kill("SIGKILL");
    await this.ended;
    await rm(this.folder, { recursive: true });
  }
}
