// Unmodified python-socketio on a real cluster, through both kinds of balancer and over every transport.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { install } from "./python.mjs";
import { BALANCERS, SETTINGS, TRANSPORTS } from "./socketio.mjs";

const FOLDER = new URL("python", import.meta.url).pathname;

let cluster, programs;
before(async () => {
  const installed = install(FOLDER);
  cluster = await Cluster.up(SETTINGS);
  programs = await installed;
});
after(() => cluster?.down());

/** Runs every case with these transports, and has each one reported as a test of its own. */
async function python(context, address, transports = []) {
  const arguments_ = [`${FOLDER}/cases.py`, address, cluster.secretFile, ...transports];
  const child = spawn(`${programs}/python`, arguments_, { stdio: ["ignore", "pipe", "pipe"] });
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
