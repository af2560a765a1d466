// The balancers' examples for operators: whether they are what those programs take, and whether they do what they say.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Cluster, freePort } from "./cluster.mjs";
import { eventually, within } from "./program.mjs";
import { Scene, SETTINGS, TRANSPORTS } from "./socketio.mjs";
import { chat } from "./socketio-chat.mjs";
import { live } from "./socketio-live.mjs";

const EXAMPLES = new URL("../../../../deploy/balancers/", import.meta.url).pathname;
const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
const BALANCERS = {
  haproxy: {
    file: "haproxy.cfg",
    check: (file) => ["-c", "-f", file],
    run: (file) => ["-db", "-f", file],
    listen: [/^ {4}bind :80$/m, (port) => `    bind 127.0.0.1:${port}`],
  },
  nginx: {
    file: "nginx.conf",
    check: (file, folder) => ["-t", "-p", folder, "-c", file],
    run: (file, folder) => ["-p", folder, "-c", file, "-g", "daemon off;"],
    listen: [/^ {8}listen 80;$/m, (port) => `        listen 127.0.0.1:${port};`],
  },
};

let cluster;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "hubbub-balancers-"));
  cluster = await Cluster.up(SETTINGS);
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
  cluster?.down();
});

/** The example with this cluster's addresses in place of its own. */
function adapted({ file, listen: [pattern, line] }, port) {
  let text = readFileSync(EXAMPLES + file, "utf8");
  assert.match(text, pattern);
  text = text.replace(pattern, line(port));
  // As many as a developer's machine has descriptors for.
  text = text.replace(/^( *)(maxconn|worker_connections) 20000/m, "$1$2 500").replace("worker_rlimit_nofile 50000;", "");
  for (const [index, { address, metrics }] of cluster.gateways.entries()) {
    const example = `10.0.0.1${index + 1}:8080`;
    assert.ok(text.includes(example), example);
    // Each gateway of a local cluster has an admin port of its own, which HAProxy takes per server.
    text = text.replace(`server gateway-${index + 1} ${example}`, `$& port ${new URL(metrics).port}`);
    text = text.replaceAll(example, new URL(address).host);
  }
  const path = join(folder, file);
  writeFileSync(path, text);
  return path;
}

const isThere = (program) => {
  try {
    execFileSync(program, ["-v"], { env: { ...process.env, PATH }, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** What a client does through the balancer: sessions are found by every transport, and no gateway is asked for another's. */
async function isRight(address) {
  const earlier = await cluster.handedOn();
  const cases = Object.values({ ...chat, ...live }).filter((_, index) => index % 3 === 0);
  for (const transports of Object.values(TRANSPORTS)) {
    await Promise.all(cases.map(async (act) => {
      const scene = new Scene(cluster, address, transports && { transports });
      try {
        await act(scene);
      } finally {
        scene.close();
      }
    }));
  }
  assert.equal(await cluster.handedOn(), earlier, "requests that came to the wrong gateway");
  return cases.length * Object.keys(TRANSPORTS).length;
}

for (const [program, balancer] of Object.entries(BALANCERS)) {
  test(`the example for ${program} is valid, and sends each session to its gateway`, async (context) => {
    if (program === "nginx" && !isThere(program)) return context.skip("nginx is not installed");
    const options = { env: { ...process.env, PATH }, stdio: "pipe" };
    execFileSync(program, balancer.check(EXAMPLES + balancer.file, folder), options);
    const port = await freePort();
    const child = spawn(program, balancer.run(adapted(balancer, port), folder), { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise((resolve) => child.on("close", resolve));
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    try {
      const address = `http://127.0.0.1:${port}`;
      const answers = async () => (await fetch(`${address}/healthz`).catch(() => null))?.ok;
      await eventually(answers, "an answer through the balancer");
      context.diagnostic(`${program}: ${await isRight(address)} cases`);
    } catch (error) {
      throw new Error(`${error.stack}\n${output}`);
    } finally {
      child.kill("SIGTERM");
      await within(ended, `the end of ${program}`);
    }
  });
}
