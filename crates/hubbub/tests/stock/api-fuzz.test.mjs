// The HTTP API against its own description: requests made from it at random, with the real program on a real Redis and a
// real Postgres. No answer may be a 5xx, have a status or a shape that is not described, or take what is not allowed.
//
// Always the same requests, so that who changes something else is not held up by luck. FUZZ_SECONDS=600 makes others, for
// that long per role; FUZZ_SEED=… repeats what a failure has printed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { ask, get } from "./http.mjs";
import { mint } from "./program.mjs";
import { install } from "./python.mjs";

const FOLDER = new URL("fuzz", import.meta.url).pathname;
/** Made from each operation where no time is given. */
const EXAMPLES = 10;
/** The limits have tests of their own; here they would hide what lies behind. */
const SETTINGS = { HUBBUB_AUTH__LOGINS_PER_MINUTE: "0", HUBBUB_AUTH__LOGINS_PER_ADDRESS: "0" };

let cluster, programs;
before(async () => {
  const installed = install(FOLDER);
  cluster = await Cluster.up(SETTINGS);
  programs = await installed;
  // Whom the description gives as its example, so that somebody can log in.
  await get(201, address(), "", "POST", "/api/auth/register", { username: "Anna", password: "correct horse" });
});
after(() => cluster?.down());

const address = () => cluster.gateways[0].address;

/** Runs the fuzzer as this user; its exit code and what it said. */
async function fuzz(user, token) {
  const { FUZZ_SECONDS: seconds, FUZZ_SEED: seed = seconds ? undefined : "1" } = process.env;
  const length = seconds ? ["--max-time", seconds] : ["--max-examples", `${EXAMPLES}`];
  const arguments_ = [
    ...["--config-file", `${FOLDER}/schemathesis.toml`, "run", `${address()}/api/openapi.json`],
    ...["--no-color", "--header", `Authorization: Bearer ${token}`, ...length, ...(seed ? ["--seed", seed] : [])],
  ];
  const environment = { ...process.env, SCHEMATHESIS_HOOKS: `${FOLDER}/hooks.py`, FUZZ_USER: user };
  // In the cluster's folder: it writes down what it finds where it is started, and would begin with that the next time.
  const options = { cwd: cluster.folder, env: environment, stdio: ["ignore", "pipe", "pipe"] };
  const child = spawn(`${programs}/schemathesis`, arguments_, options);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, said };
}

for (const role of ["service", "admin", "user"]) {
  test(`as ${role}, every answer is one that the description promises`, async (context) => {
    const environment = { HUBBUB_AUTH__JWT_SECRET_FILE: cluster.secretFile };
    const token = await mint(`fuzz-${role}`, { environment, args: ["--role", role] });
    const { code, said } = await fuzz(`fuzz-${role}`, token);
    const summary = said.slice(said.search(/^=+ SUMMARY =+$/m)).trim();
    for (const line of summary.split("\n")) context.diagnostic(line);
    assert.equal(code, 0, said);
    const { status } = await ask(address(), token, "GET", "/api/me");
    assert.equal(status, 200, "the fuzzer has not shut itself out");
  });
}
