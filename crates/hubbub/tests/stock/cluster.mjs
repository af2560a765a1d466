// A real cluster for these tests: deploy/local/cluster.sh in a folder of its own, ended whatever happens.

import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PROGRAM, metric, mint, within } from "./program.mjs";

const run = promisify(execFile);
const SCRIPT = new URL("../../../../deploy/local/cluster.sh", import.meta.url).pathname;

/** A port on which nobody listens now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Redis, Postgres, three gateways, two persisters and HAProxy. */
export class Cluster {
  /** Starts everything; `settings` are HUBBUB_… variables of every part. */
  static async up(settings) {
    const cluster = new Cluster();
    cluster.folder = mkdtempSync(join(tmpdir(), "hubbub-cluster-test-"));
    const own = { CLUSTER_STATE: join(cluster.folder, "state"), HUBBUB_BIN: PROGRAM, PUBLIC_PORT: await freePort() };
    cluster.environment = { ...process.env, ...settings, ...own };
    // Whatever ends this process, the cluster ends first.
    cluster.end = () => cluster.down();
    process.once("exit", cluster.end);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
    cluster.#read(await cluster.#call("up"));
    return cluster;
  }

  async #call(command) {
    const { stdout } = await run(SCRIPT, [command], { env: this.environment });
    return stdout;
  }

  #read(summary) {
    this.host = new URL(summary.trim().split("\n").at(-1)).host;
    this.plain = summary.match(/^round robin: http:\/\/(\S+)/m)[1];
    this.database = summary.match(/^database: +(\S+)$/m)[1];
    this.secretFile = summary.match(/HUBBUB_AUTH__JWT_SECRET_FILE=(\S+)/)[1];
    const gateways = summary.matchAll(/^(gateway-\d) +(\S+) admin (\S+)$/gm);
    this.gateways = [...gateways].map(([, name, address, admin]) => ({ name, address, metrics: `${admin}/metrics` }));
    this.redisUrl = summary.match(/^redis +(\S+)$/m)[1];
  }

  /** A token that the gateways believe. */
  mint(user) {
    return mint(user, { environment: { HUBBUB_AUTH__JWT_SECRET_FILE: this.secretFile } });
  }

  /** How many clients each gateway counts, by name; a dead one counts none. */
  async connections() {
    const count = ({ metrics }) => metric(metrics, "hubbub_connections").catch(() => 0);
    const counts = await Promise.all(this.gateways.map(count));
    return Object.fromEntries(this.gateways.map(({ name }, index) => [name, counts[index]]));
  }

  /** How many requests of Socket.IO sessions the gateways have handed on to each other. */
  async handedOn() {
    const counts = await Promise.all(this.gateways.map(({ metrics }) => metric(metrics, "hubbub_peer_requests_total")));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** The process id of a part. */
  async pid(name) {
    // It ends with 1 where somebody is dead already.
    const status = await this.#call("status").catch((error) => error.stdout);
    return Number(status.match(new RegExp(`^${name} .* pid (\\d+)$`, "m"))[1]);
  }

  /** The rows that one statement gives, each a list of texts. */
  async query(statement) {
    const { stdout } = await run("psql", ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", this.database, "-c", statement]);
    return stdout.split("\n").filter(Boolean).map((row) => row.split("|"));
  }

  /** What one statement takes, such as a lock, until it is released: a session of the database of its own. */
  async hold(statement) {
    const session = spawn("psql", ["-X", "-q", "-A", "-t", "-d", this.database], { stdio: ["pipe", "pipe", "inherit"] });
    const taken = new Promise((resolve) => session.stdout.on("data", (bytes) => `${bytes}`.includes("held") && resolve()));
    session.stdin.write(`${statement};\nSELECT 'held';\n`);
    await within(taken, `${statement}`).catch((error) => {
      session.kill();
      throw error;
    });
    return { release: () => session.kill() };
  }

  /** Kills Redis and starts it again on the same port with nothing in it. */
  async emptyRedis() {
    const state = join(this.folder, "state");
    process.kill(await this.pid("redis"), "SIGKILL");
    // As cluster.sh launches it, so that it also ends it.
    const script = `
      run=${state}/run log=${state}/log
      . ${new URL("processes.sh", `file://${SCRIPT}`).pathname}
      while is_alive redis; do sleep 0.05; done
      rm -rf ${state}/redis/*
      launch redis redis-server ${state}/redis.conf
      await redis 20 redis-cli -u ${this.redisUrl} PING >${state}/ping`;
    await run("bash", ["-euc", script]);
  }

  /** What Redis answers. */
  async redis(...command) {
    const { stdout } = await run("redis-cli", ["-u", this.redisUrl, ...command]);
    return stdout.trim();
  }

  /** The ends of every part's log. */
  logs() {
    return this.#call("logs");
  }

  /** Ends exactly those processes and removes what they left. */
  down() {
    process.off("exit", this.end);
    execFileSync(SCRIPT, ["clean"], { env: this.environment, stdio: ["ignore", "ignore", "inherit"] });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
