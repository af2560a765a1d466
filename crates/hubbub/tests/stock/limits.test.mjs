// What one client, one user and one connection may take: connections over all nodes and doors, commands, rooms, frames.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, afterEach, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Cluster } from "./cluster.mjs";
import { Hall } from "./hub.mjs";
import { ask, get } from "./http.mjs";
import { eventually, within } from "./program.mjs";

const run = promisify(execFile);

/** The limits themselves are the defaults. Waiting for the end of a cluster is not what is tested. */
const SETTINGS = { HUBBUB_SERVER__DRAIN: "2s" };
const LIMIT = 5;
/** Connections that are opened at once. */
const RACE = Number(process.env.LIMITS_RACE ?? 50);
/** Frames a second that each connection of a flood writes at least. */
const FLOOD = Number(process.env.LIMITS_FLOOD ?? 10_000);
/** Users who flood in turn: a connection that does not hear its end keeps its place for a moment. */
const FLOODERS = 20;
/** How long each is measured. */
const SECONDS = Number(process.env.LIMITS_SECONDS ?? 3);
const FLOODER = new URL("flood.mjs", import.meta.url).pathname;
/** A dead node's lease, and the time to notice that it ended. */
const LEASE = 10_000 + 3_000;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const range = (count) => Array.from({ length: count }, (_, index) => index);
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.ceil(part * values.length) - 1];

let cluster;
let hall;

/** A cluster of its own for a group of tests. */
function ground(settings) {
  before(async () => {
    cluster = await Cluster.up({ ...SETTINGS, ...settings });
    hall = new Hall(cluster);
  });
  afterEach(() => hall.close());
  after(() => {
    hall?.close();
    cluster?.down();
  });
}

/** One way in: how it is opened, when it stands, and how it ended. */
class Entry {
  constructor(person, kind, node) {
    this.name = `${kind} on ${node}`;
    if (kind === "Socket.IO") this.#ring(person, node);
    else this.#dial(person, kind, node);
  }

  #dial(person, path, node) {
    const line = hall.dial(person, { path, node });
    this.ended = line.closed.then(({ code }) => (this.end = code));
    const first = { "/": "joined", "/ws": "welcome", "/ws/events/1": "connection_established" }[path];
    const stands = line.opened.then(() => {
      // The first door says nothing by itself.
      if (path === "/") line.send({ type: "join_room", roomId: "entrance" });
      return line.next(first);
    });
    this.settled = Promise.race([stands, line.closed]).catch(() => line.closed);
    this.close = () => line.break();
    this.probe = async () => {
      if (path === "/") line.send({ type: "leave_room", roomId: "nowhere" });
      else line.send({ type: "ping" });
      await line.next(path === "/" ? "left" : "pong");
    };
  }

  #ring(person, node) {
    const { socket } = hall.ring(person, { node });
    const refused = new Promise((resolve) => socket.once("connect_error", resolve));
    let code;
    socket.on("error", (error) => (code = error.code));
    const dropped = new Promise((resolve) => socket.once("disconnect", () => resolve(code)));
    const end = Promise.race([refused.then((error) => error.data?.code ?? error.message), dropped]);
    // The word of this vocabulary for the same end.
    this.ended = end.then((word) => (this.end = word === "too_many_connections" ? 4509 : word));
    this.settled = Promise.race([new Promise((resolve) => socket.once("connect", resolve)), this.ended]);
    this.close = () => socket.disconnect();
    this.probe = () => within(socket.emitWithAck("leave_room", "nowhere"), `a sign of life of ${this.name}`);
  }
}

const DOORS = [["/", 0], ["/ws", 1], ["/ws/events/1", 2], ["Socket.IO", 0], ["/", 1], ["/ws", 2], ["Socket.IO", 1]];
const open = (person, number) => new Entry(person, ...DOORS[number % DOORS.length]);
const live = (entries) => entries.filter(({ end }) => end === undefined);

/** Exactly the limit of them stands, everybody else was ended with 4509, and those that stand still answer. */
async function exactly(entries, stays) {
  await within(Promise.all(entries.map(({ settled }) => settled)), "an answer to every entry");
  await eventually(() => live(entries).length <= LIMIT, `only ${LIMIT} of ${entries.length}`);
  await Promise.all(live(entries).map(({ probe }) => probe()));
  const ends = entries.map(({ end }) => end).filter((end) => end !== undefined);
  assert.deepEqual(ends, Array(entries.length - LIMIT).fill(4509));
  if (stays) assert.deepEqual(live(entries).map(({ name }) => name), stays.map(([path, node]) => `${path} on ${node}`));
}

/** Seven one after the other; those of `stays` must be left. */
async function sevenByTurns(stays) {
  const person = await hall.known("Seven");
  const entries = [];
  for (const number of range(7)) {
    entries.push(open(person, number));
    await within(entries[number].settled, "an answer");
  }
  await exactly(entries, stays);
  return { person, entries };
}

/** As many as the race wants at once. */
async function race() {
  const person = await hall.known("Racer");
  const entries = range(RACE).map((number) => open(person, number));
  await exactly(entries);
  const counted = await get(200, hall.at(0), hall.person("Service", { role: "service" }).token, "GET", "/api/server/stats");
  assert.equal((counted.data ?? counted).totalConnections, LIMIT, JSON.stringify(counted));
}

describe("the new one is refused", () => {
  ground({});

  test("seven connections over three nodes and every door: the first five live", async () => {
    const { person, entries } = await sevenByTurns(DOORS.slice(0, LIMIT));
    entries[2].close();
    await eventually(async () => {
      const next = open(person, 5);
      await next.settled;
      return next.end === undefined;
    }, "the place of one that left");
  });

  test(`${RACE} at once: exactly ${LIMIT} live`, race);

  test("a burst is let pass and what exceeds it is refused with a time; a connection has its own budget", async () => {
    const person = hall.person("Eager");
    const [line, other] = [await hall.hub(person), await hall.hub(person, { node: 1 })];
    for (const ref of range(60)) line.send({ type: "ping", ref });
    const answers = await Promise.all(range(60).map((ref) => line.first((frame) => frame.ref === ref, `answer ${ref}`)));
    const refused = answers.filter(({ type }) => type === "error");
    assert.ok(refused.length >= 10 && refused.length <= 20, `${refused.length} of 60 refused`);
    assert.deepEqual(answers.slice(0, 40).map(({ type }) => type), Array(40).fill("pong"));
    for (const { code, retryAfterMs } of refused) {
      assert.equal(code, "rate_limited");
      assert.ok(Number.isInteger(retryAfterMs) && retryAfterMs > 0 && retryAfterMs <= 2_000, `${retryAfterMs}`);
    }
    await other.settle();
    await pause(Math.max(...refused.map(({ retryAfterMs }) => retryAfterMs)));
    await line.settle();
  });

  test("two connections of one user on two nodes publish together what one user may", async () => {
    const person = hall.person("Double");
    const room = hall.room();
    const lines = [await hall.hub(person), await hall.hub(person, { node: 1 })];
    for (const line of lines) await line.enter(room);
    const began = Date.now();
    // 15 a second each for 10 seconds: 300, of which 40 at once and 20 a second may pass.
    for (const number of range(150)) {
      for (const line of lines) line.send({ type: "chat", roomId: room, message: `${number}`, ref: number });
      await pause(Math.max(0, began + (number + 1) * (1000 / 15) - Date.now()));
    }
    const seconds = (Date.now() - began) / 1000;
    const answers = await Promise.all(lines.flatMap((line) => range(150).map((ref) => line.first((frame) => frame.ref === ref, `answer ${ref}`))));
    const passed = answers.filter(({ type }) => type === "ack").length;
    const refused = answers.filter(({ type }) => type === "error");
    console.log(`# ${passed} of 300 messages of one user on two nodes passed in ${seconds} s`);
    assert.ok(refused.every(({ code, retryAfterMs }) => code === "rate_limited" && retryAfterMs > 0));
    const allowed = 40 + 20 * seconds;
    assert.ok(passed <= allowed + 2 && passed >= allowed - 20, `${passed} passed, ${allowed} allowed`);
  });

  test("a connection joins no more rooms than it may; the lobby is free", async () => {
    const line = await hall.hub(hall.person("Collector"));
    for (const number of range(100)) {
      // At the pace that a client may keep.
      await line.enter(`collected-${number}`, { history: 0 });
      if (number >= 30) await pause(50);
    }
    await line.refused("too_many_rooms", { type: "join_room", roomId: "one-more" });
    await line.enter("collected-7", { history: 0 });
    await line.answered("left", { type: "leave_room", roomId: "collected-7" });
    await line.enter("one-more", { history: 0 });
    await line.tell({ type: "chat", message: "the lobby is not counted" });
  });

  test("a frame above 64 KiB closes with 1009; a text above 8,192 characters is too_large", async () => {
    const line = await hall.hub(hall.person("Verbose"));
    await line.tell({ type: "chat", message: "ä".repeat(8_192) });
    await line.refused("too_large", { type: "chat", message: "ä".repeat(8_193) });
    line.send({ type: "chat", message: "x".repeat(65_536) });
    await line.ends(1009);
  });

  test("two hundred refusals within a minute close with 4429, after the last of them", async () => {
    const person = hall.person("Pushy");
    const line = await hall.hub(person);
    for (const ref of range(600)) line.send({ type: "ping", ref });
    await line.ends(4429, "rate_limited");
    const refusals = line.kept.filter(({ code }) => code === "rate_limited");
    assert.equal(refusals.length, 200);
    assert.ok(refusals.every(({ retryAfterMs }) => Number.isInteger(retryAfterMs) && retryAfterMs > 0));
    assert.ok(hall.logged(0, "hubbub::security", person.id).length > 0, "the security log tells of it");
  });

  test(`connections that write ${FLOOD} frames a second, and as fast as they can, are closed with 4429, while others are served`, async () => {
    const chatters = await Promise.all(range(20).map((number) => chatter(number)));
    const figures = (values) => `p50 ${quantile(values, 0.5).toFixed(1)} ms, p99 ${quantile(values, 0.99).toFixed(1)} ms of ${values.length}`;
    console.log(`# 20 others before: ${figures(await measure(chatters, SECONDS))}`);
    for (const rate of [FLOOD, 0]) {
      const [floods, during] = await Promise.all([flood(SECONDS, rate), measure(chatters, SECONDS)]);
      const written = floods.map(({ frames }) => frames);
      const slowest = Math.round(1000 * Math.min(...floods.map(({ frames, milliseconds }) => frames / milliseconds)));
      console.log(`# flood at ${rate || "any"} frames a second: ${floods.length} connections, closed after ${figures(floods.map(({ milliseconds }) => milliseconds))}`);
      console.log(`# each wrote ${Math.min(...written)} to ${Math.max(...written)} frames before its close, the slowest ${slowest} a second`);
      console.log(`# 20 others during: ${figures(during)}`);
      assert.deepEqual(floods.filter(({ code }) => code !== 4429), []);
      // What a flooder manages depends on the machine it shares with everything else; half is still a flood.
      assert.ok(floods.length > 1 && slowest >= FLOOD / 2, `${slowest} frames a second`);
      assert.ok(quantile(during, 0.99) < 1_000);
    }
  });

  test("a service is not metered: in the server API not at all, and on its connections not as a user", async () => {
    const [service, person] = [hall.person("Service", { role: "service" }), hall.person("Named")];
    const room = hall.room();
    const publish = (number) => {
      const message = { room: `room:${room}`, userId: person.id, message: `${number}` };
      return ask(hall.at(number % 3), service.token, "POST", "/api/server/publish", message);
    };
    const published = await Promise.all(range(100).map(publish));
    assert.deepEqual(published.map(({ status }) => status), Array(100).fill(202));
    const burst = async (who) => {
      const lines = await Promise.all([0, 1, 2].map((node) => hall.hub(who, { node })));
      for (const line of lines) await line.enter(room, { history: 0 });
      for (const line of lines) range(35).forEach((ref) => line.send({ type: "chat", roomId: room, message: "again", ref }));
      const answers = lines.flatMap((line) => range(35).map((ref) => line.first((frame) => frame.ref === ref, `answer ${ref}`)));
      return (await Promise.all(answers)).filter(({ type }) => type === "ack").length;
    };
    const passed = await burst(person);
    assert.ok(passed >= 40 && passed < 60, `${passed} of 105: what was said in somebody's name is not theirs to pay`);
    assert.equal(await burst(service), 105);
  });

  // The last one here: its node does not come back.
  test("a node that is killed gives its places back within its lease", async (context) => {
    const person = await hall.known("Stranded");
    const entries = ["/", "/ws", "/ws/events/1", "Socket.IO", "/ws"].map((path) => new Entry(person, path, 2));
    await exactly(entries);
    const refused = new Entry(person, "/ws", 0);
    await refused.settled;
    assert.equal(refused.end, 4509);
    const killed = Date.now();
    process.kill(await cluster.pid(cluster.gateways[2].name), "SIGKILL");
    const stands = async () => {
      const entry = new Entry(person, "/ws", 0);
      await entry.settled;
      return entry.end === undefined && entry;
    };
    const entered = [await eventually(stands, "a place")];
    for (const number of range(LIMIT - 1)) {
      entered.push(new Entry(person, ["/", "/ws"][number % 2], number % 2));
      await entered.at(-1).settled;
    }
    context.diagnostic(`${LIMIT} places again ${Date.now() - killed} ms after the kill`);
    assert.ok(Date.now() - killed <= LEASE);
    entered.push(new Entry(person, "/ws", 1));
    await exactly(entered);
  });
});

describe("the oldest one is replaced", () => {
  ground({ HUBBUB_LIMITS__ON_TOO_MANY_CONNECTIONS: "replace_oldest" });

  test("seven connections over three nodes and every door: the last five live", async () => {
    await sevenByTurns(DOORS.slice(2));
  });

  test(`${RACE} at once: exactly ${LIMIT} live`, race);
});

/** Somebody who chats in a room of their own on the first node, and knows how long an echo takes. */
async function chatter(number) {
  const line = await hall.hub(hall.person(`Chatter-${number}`));
  const room = hall.room();
  await line.enter(room);
  return async () => {
    const began = performance.now();
    const { seq } = await line.tell({ type: "chat", roomId: room, message: "how long?" });
    await line.next("chat", { seq });
    return performance.now() - began;
  };
}

/** What echoes take while everybody says something five times a second. */
async function measure(chatters, seconds) {
  const times = [];
  for (let round = 0; round < seconds * 5; round += 1) {
    const began = Date.now();
    times.push(...(await Promise.all(chatters.map((say) => say()))));
    await pause(Math.max(0, began + 200 - Date.now()));
  }
  return times;
}

/** What became of connections that write so many frames a second, one after the other, in a process of their own. */
async function flood(seconds, rate) {
  const door = hall.at(0).replace(/^http/, "ws");
  const urls = range(FLOODERS).map((number) => `${door}/ws?token=${hall.person(`Flood-${number}`).token}`);
  const { stdout } = await run(process.execPath, [FLOODER, `${seconds}`, `${rate}`, ...urls]);
  return stdout.trim().split("\n").map((line) => JSON.parse(line));
}
