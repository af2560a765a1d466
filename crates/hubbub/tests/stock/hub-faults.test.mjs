// The hub where something is missing: rulings that nobody told, user_status switched off, a client that does not read, and
// a Redis that comes back with nothing.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { Hall, UNLIMITED } from "./hub.mjs";
import { get } from "./http.mjs";
import { eventually, within } from "./program.mjs";

/** How often nodes look for rulings, and how late one may be noticed; in seconds. */
const LOOK = 2;
const LATE = LOOK + 0.5;
/** Messages, of 32 KB each, that the client misses that does not read: more than all buffers on the way hold. */
const UNREAD = 400;
const LONG = "🎈".repeat(8_000);

let cluster;
before(async () => {
  const settings = { HUBBUB_AUTH__REVALIDATE: `${LOOK}s`, HUBBUB_HUB__USER_STATUS: "false" };
  cluster = await Cluster.up({ ...UNLIMITED, ...settings });
});
after(() => cluster?.down());

/** One case, with everybody in it gone afterwards. */
function scene(name, act) {
  test(name, async (context) => {
    const hall = new Hall(cluster);
    try {
      await act(hall, context);
    } finally {
      hall.close();
    }
  });
}

const range = (count) => Array.from({ length: count }, (_, index) => index);
const seqs = (line) => line.kept.filter(({ type }) => type === "chat").map(({ seq }) => seq);

/** How many connections the third node has closed with 4008. */
async function slow() {
  const text = await (await fetch(cluster.gateways[2].metrics)).text();
  return Number(text.match(/^hubbub_disconnects_total\{.*code="4008".*\} (\d+)$/m)?.[1] ?? 0);
}

/** A connection of this person on every node, at every raw door, and one over Socket.IO. */
async function everywhere(hall, person) {
  const lines = [await hall.hub(person), await hall.rooms(person, { node: 1 }), await hall.watch(1, person, { node: 2 })];
  return { lines, socket: await hall.io(person, { node: 1 }) };
}

/** All of these are closed as by a kick, in time; returns after how many seconds the last one was. */
async function kicked({ lines, socket }, began) {
  for (const line of lines) await line.ends(4503, "kicked");
  assert.equal((await socket.next("error")).code, "kicked");
  const seconds = (Date.now() - began) / 1000;
  assert.ok(seconds <= LATE, `${seconds} s`);
  return seconds;
}

scene("a ruling that stands in the database alone is acted on at the next look, and taken back", async (hall, context) => {
  const person = await hall.known("Quietly");
  const doors = await everywhere(hall, person);
  const bystander = await hall.hub(await hall.known("Bystander"), { node: 1 });
  const rule = (value) => cluster.query(`UPDATE users SET disabled_at = ${value} WHERE id = '${person.id}'`);
  await rule("now()");
  context.diagnostic(`disabled: the last connection ended after ${await kicked(doors, Date.now())} s`);
  for (const node of [0, 1, 2]) await hall.dial(person, { node }).ends(4503, "kicked");
  await bystander.settle();
  await rule("NULL");
  const letsIn = async (node) => {
    const line = hall.dial(person, { node });
    return Promise.race([line.next("welcome"), line.closed.then(() => false)]).catch(() => false);
  };
  for (const node of [0, 1, 2]) await eventually(() => letsIn(node), "the way in again", 1000 * LATE);
});

scene("a revoked token, a deleted account and a new role are noticed as well", async (hall, context) => {
  const jti = randomUUID();
  const known = await hall.known("Leaky");
  const leaked = hall.person("Leaky", { sub: known.id, userId: known.id, jti });
  const other = await hall.hub(known, { node: 1 });
  const byLeaked = await everywhere(hall, leaked);
  await cluster.query(`INSERT INTO revoked_tokens (id, expires_at) VALUES ('${jti}', now() + interval '1 hour')`);
  context.diagnostic(`revoked: after ${await kicked(byLeaked, Date.now())} s`);
  await other.settle();

  const gone = await hall.known("Gone");
  const theirs = await everywhere(hall, gone);
  // A node must have seen the account to miss it.
  await new Promise((resolve) => setTimeout(resolve, 1000 * LATE));
  await cluster.query(`DELETE FROM users WHERE id = '${gone.id}'`);
  context.diagnostic(`deleted: after ${await kicked(theirs, Date.now())} s`);

  const deputy = await hall.known("Deputy");
  const [line, ear] = [await hall.hub(deputy), await hall.hub(await hall.known("Ear"), { node: 2 })];
  const announce = { type: "announce", scope: "all", message: "by a deputy" };
  await line.refused("forbidden", announce);
  await cluster.query(`UPDATE users SET role = 'admin', role_assigned_at = now() WHERE id = '${deputy.id}'`);
  await eventually(async () => (await line.ask(announce)).type === "ack", "the new role", 1000 * LATE);
  assert.equal((await ear.next("announcement")).from, deputy.id);
});

scene("with user_status switched off nobody is told who comes and goes; lists and counts are as ever", async (hall) => {
  const eye = await hall.hub(hall.person("Eye"), { node: 2 });
  const person = hall.person("Coming");
  const line = await hall.hub(person);
  const { users } = await eye.answered("users", { type: "get_users" });
  assert.ok(users.some(({ userId }) => userId === person.id));
  await line.leave();
  const isGone = async () => {
    const now = await eye.answered("users", { type: "get_users" });
    return now.users.every(({ userId }) => userId !== person.id);
  };
  await eventually(isGone, "its end");
  // Longer than the grace of `offline`.
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  await eye.settle();
  assert.equal(eye.pending("user_status"), 0);
});

scene("a client that does not read is closed with 4008, others lose nothing, and it resumes where it stood", async (hall, context) => {
  const roomId = hall.room();
  const [speaker, idler] = [hall.person("Speaker"), hall.person("Idler")];
  const [line, witness, idle] = [await hall.hub(speaker), await hall.hub(hall.person("Witness"), { node: 1 }), await hall.hub(idler, { node: 2 })];
  for (const each of [line, witness, idle]) await each.enter(roomId);
  const { epoch } = await line.tell({ type: "chat", roomId, message: "the first" });
  await idle.next("chat");
  idle.socket.pause();
  const saying = (async () => {
    for (let sent = 0; sent < UNREAD; sent += 10) {
      await Promise.all(range(10).map((number) => line.tell({ type: "chat", roomId, message: `${sent + number} ${LONG}` })));
    }
  })();
  const closed = await eventually(slow, "the end of it");
  assert.equal(closed, 1);
  idle.socket.resume();
  // Whoever begins to read too late finds the connection broken, and comes back as well.
  const { code } = await within(idle.closed, "the end at the client");
  assert.ok([4008, 1006].includes(code), `${code}`);
  await saying;
  const heard = seqs(idle);
  assert.deepEqual(heard, range(heard.length).map((index) => index + 2), "what came, came in order");
  await eventually(() => witness.pending("chat") === UNREAD + 1, "everything at the one who reads");
  assert.deepEqual(seqs(witness), range(UNREAD + 1).map((index) => index + 1));
  const back = await hall.hub(idler, { node: 1 });
  const since = heard.at(-1) ?? 1;
  const { recovered, history } = await back.enter(roomId, { since, epoch });
  const replayed = [...seqs(back), ...history.map(({ seq }) => seq)];
  context.diagnostic(`it ended with ${code}; it had heard ${heard.length} of ${UNREAD}, ${replayed.length} were replayed`);
  assert.ok(recovered && replayed.length > 0);
  assert.deepEqual(replayed, range(UNREAD - heard.length).map((index) => since + 1 + index));
});

// The last one: what Redis knew is gone.
scene("a Redis that comes back with nothing begins a new epoch above every number, and clients are told", async (hall) => {
  const roomId = hall.room();
  const person = hall.person("Member");
  const [a, b] = [await hall.hub(person), await hall.hub(hall.person("Other"), { node: 1 })];
  for (const line of [a, b]) await line.enter(roomId);
  for (let number = 1; number <= 5; number += 1) await a.tell({ type: "chat", roomId, message: `${number}`, clientId: `c-${number}` });
  await a.next("stored", { roomId, seq: 5 });
  await cluster.emptyRedis();
  const told = await Promise.all([a, b].map((line) => line.next("resync", { roomId })));
  for (const { epoch, seq } of told) assert.ok(epoch > 1 && seq >= 5, JSON.stringify(told));
  assert.deepEqual(told[0], told[1]);
  const again = await eventually(async () => {
    const answer = await a.ask({ type: "chat", roomId, message: "afterwards" });
    return answer.type === "ack" && answer;
  }, "an acknowledgement");
  assert.ok(again.seq > 5 && again.epoch === told[0].epoch, JSON.stringify({ again, told }));
  for (const line of [a, b]) assert.equal((await line.next("chat", { id: again.id })).seq, again.seq);
  // Whoever was away all the time: nobody can prove that nothing of the old epoch is missing, so the newest page is shown.
  const back = await hall.hub(person, { node: 2 });
  const { history, recovered } = await back.enter(roomId, { since: 3, epoch: 1 });
  assert.deepEqual([recovered, history.map(({ message }) => message)], [false, ["1", "2", "3", "4", "5", "afterwards"]]);
  const resumed = await back.enter(roomId, { since: again.seq - 1, epoch: again.epoch });
  assert.deepEqual([resumed.recovered, resumed.seq], [true, again.seq]);
  const other = hall.room();
  await b.enter(other);
  assert.equal((await b.tell({ type: "chat", roomId: other, message: "a new room" })).epoch, told[0].epoch);
  const { messages } = await get(200, hall.at(1), person.token, "GET", `/api/rooms/room:${roomId}/messages`);
  assert.deepEqual(messages.map(({ message }) => message), ["1", "2", "3", "4", "5", "afterwards"]);
});
