// Unmodified clients on different nodes of a real cluster, through its balancer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "./client.mjs";
import { Cluster } from "./cluster.mjs";
import { eventually } from "./program.mjs";

/** Clients here send as fast as they can, and nobody waits for the clusters' goodbye. */
const SETTINGS = {
  HUBBUB_LIMITS__COMMANDS_PER_SECOND: "0",
  HUBBUB_LIMITS__COMMANDS_BURST: "0",
  HUBBUB_SERVER__DRAIN: "2s",
};
const EACH = 1_000;

const seqs = (frames) => frames.map((frame) => frame.seq);
const ids = (frames) => frames.map((frame) => frame.id);
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

let cluster;
before(async () => (cluster = await Cluster.up(SETTINGS)));
after(() => cluster?.down());

/** Connects through the balancer and says on which node that ended up. */
async function connect(token) {
  const earlier = await cluster.connections();
  const client = await Client.of(cluster.host, token);
  const node = await eventually(async () => {
    const now = await cluster.connections();
    return Object.keys(now).find((name) => now[name] > earlier[name]);
  }, "a node that counts the connection");
  return { client, node };
}

/** Two clients on two nodes. */
async function apart(first, second) {
  const one = await connect(await cluster.mint(first));
  const token = await cluster.mint(second);
  for (;;) {
    const other = await connect(token);
    if (other.node !== one.node) return [one, other];
    await other.client.leave();
    await eventually(async () => (await cluster.connections())[one.node] === 1, "the end of a connection");
  }
}

/** Waits until the database holds as many messages of the room, and returns their ids in order. */
async function stored(room, count) {
  const total = async () => Number((await cluster.query(`SELECT count(*) FROM messages WHERE room = 'room:${room}'`))[0][0]);
  await eventually(async () => (await total()) >= count, `${count} stored messages`);
  return cluster.query(`SELECT id, seq FROM messages WHERE room = 'room:${room}' ORDER BY epoch, seq`);
}

async function hear(client, count) {
  const frames = [];
  while (frames.length < count) frames.push(await client.next());
  return frames;
}

test("two clients on different nodes exchange 1,000 messages each way in one order, each stored once", async (context) => {
  const [alice, bob] = await apart("alice", "bob");
  const room = "exchange";
  await alice.client.join(room);
  assert.equal((await bob.client.join(room)).members, 2);
  const began = performance.now();
  const heard = Promise.all([hear(alice.client, 2 * EACH), hear(bob.client, 2 * EACH)]);
  for (let number = 1; number <= EACH; number++) {
    alice.client.say(room, `alice ${number}`);
    bob.client.say(room, `bob ${number}`);
  }
  const [byAlice, byBob] = await heard;
  const took = Math.round(performance.now() - began);
  assert.deepEqual(byAlice, byBob, "the same frames in the same order");
  assert.deepEqual(seqs(byAlice), range(1, 2 * EACH), "without a hole");
  for (const name of ["alice", "bob"]) {
    const own = byAlice.filter((frame) => frame.userId === name).map((frame) => frame.message);
    assert.deepEqual(own, range(1, EACH).map((number) => `${name} ${number}`), "in the order in which they were said");
  }
  const rows = await stored(room, 2 * EACH);
  assert.deepEqual(rows, byAlice.map(({ id, seq }) => [id, `${seq}`]), "in Postgres each exactly once");
  context.diagnostic(`alice on ${alice.node}, bob on ${bob.node}: ${2 * EACH} messages heard by both in ${took} ms`);
  await Promise.all([alice.client.leave(), bob.client.leave()]);
});

test("a client whose gateway is killed comes back through the balancer and misses nothing", async (context) => {
  const [carol, dave] = await apart("carol", "dave");
  const room = "killed";
  await carol.client.join(room);
  await dave.client.join(room);
  const count = 600;
  const kept = { frames: [], breaks: 0 };
  const listening = listen(dave.client, room, count, kept);
  const own = [];
  for (let number = 1; number <= count; number++) {
    own.push(await carol.client.tell(room, `number ${number}`));
    if (number === 200) process.kill(await cluster.pid(dave.node), "SIGKILL");
  }
  await listening;
  assert.equal(kept.breaks, 1, "its connection broke");
  assert.deepEqual(seqs(kept.frames), range(1, count));
  assert.deepEqual(ids(kept.frames), ids(own));
  assert.deepEqual(ids(own), (await stored(room, count)).map(([id]) => id));
  const now = await cluster.connections();
  assert.equal(now[dave.node], 0);
  context.diagnostic(`dave lost ${dave.node}; connections now: ${JSON.stringify(now)}`);
  await carol.client.leave();
});

/** Listens as a client in the field does: whenever the connection ends it comes back and resumes. */
async function listen(client, room, count, kept) {
  const token = await cluster.mint("dave");
  for (;;) {
    try {
      while (kept.frames.length < count) kept.frames.push(await client.next());
      return client.leave();
    } catch {
      kept.breaks += 1;
    }
    client = await eventually(() => Client.of(cluster.host, token).catch(() => null), "a way back");
    client.send({ type: "join_room", roomId: room, since: kept.frames.at(-1)?.seq ?? 0, epoch: 1 });
    const frames = await client.until("joined");
    const joined = frames.pop();
    assert.equal(joined.recovered, true, JSON.stringify(joined));
    kept.frames.push(...frames, ...joined.history);
  }
}

test("history on any node is the one that was heard", async () => {
  const client = await Client.of(cluster.host, await cluster.mint("erin"));
  const { history, seq } = await client.join("exchange", { history: 100 });
  assert.deepEqual([seq, seqs(history)], [2 * EACH, range(2 * EACH - 99, 2 * EACH)]);
  const page = await fetch(`http://${cluster.host}/api/rooms/room:exchange/messages?limit=100&before=101`, {
    headers: { authorization: `Bearer ${await cluster.mint("erin")}` },
  });
  assert.deepEqual(seqs((await page.json()).messages), range(1, 100), "what only the database holds");
  await client.leave();
});
