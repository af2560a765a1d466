// Unmodified python-socketio on a real cluster, through both kinds of balancer and over every transport.

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Cluster } from "./cluster.mjs";
import { BALANCERS, SETTINGS, TRANSPORTS } from "./socketio.mjs";

const run = promisify(execFile);
const place = (path) => new URL(path, import.meta.url).pathname;
const ENSURE = place("../../../../deploy/local/ensure.sh");
const FOLDER = place("python");
const REQUIREMENTS = `${FOLDER}/requirements.txt`;
const VENV = `${FOLDER}/.venv`;

/** The client, installed as its users do, in a folder of its own; kept while the requirements stay the same. */
async function install() {
  const wanted = readFileSync(REQUIREMENTS, "utf8");
  try {
    if (readFileSync(`${VENV}/requirements.txt`, "utf8") === wanted) return;
  } catch {
    // Not there, or not complete.
  }
  rmSync(VENV, { recursive: true, force: true });
  await run(ENSURE, ["python"]);
  await run("python3", ["-m", "venv", VENV]);
  await run(`${VENV}/bin/pip`, ["install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
  const note = mkdtempSync(`${VENV}/note-`);
  await run("cp", [REQUIREMENTS, note]);
  // Last, and at once: an installation that broke off is begun again.
  renameSync(`${note}/requirements.txt`, `${VENV}/requirements.txt`);
}

let cluster;
before(async () => {
  const installed = install();
  cluster = await Cluster.up(SETTINGS);
  await installed;
});
after(() => cluster?.down());

/** Runs every case with these transports, and has each one reported as a test of its own. */
async function python(context, address, transports = []) {
  const arguments_ = [`${FOLDER}/cases.py`, address, cluster.secretFile, ...transports];
  const child = spawn(`${VENV}/bin/python`, arguments_, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  let errors = "";
  child.stderr.on("data", (text) => (errors += text));
  const reported = [];
  let [good, all] = [0, 0];
  for await (const line of createInterface(child.stdout)) {
    const { name, error } = JSON.parse(line);
    all += 1;
    if (!error) good += 1;
    reported.push(context.test(name, () => {
      if (error) throw new Error(error);
    }));
  }
  await Promise.all(reported);
  if ((await ended) !== 0 || all === 0) throw new Error(`python did not run to its end: ${errors}`);
  return `${good} of ${all}`;
}

for (const [balancer, address] of Object.entries(BALANCERS)) {
  describe(balancer, { concurrency: true }, () => {
    for (const [transport, transports] of Object.entries(TRANSPORTS)) {
      test(`${balancer}, ${transport}`, async (context) => {
        const count = await python(context, `http://${cluster[address]}`, transports);
        context.diagnostic(`python-socketio, ${balancer}, ${transport}: ${count}`);
      });
    }
  });
}
