// The hub on a real cluster: its door and its rooms by lists of cases, who comes and goes, what is counted, and its end.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { door } from "./hub-door.mjs";
import { room } from "./hub-room.mjs";
import { Hall, TIME, UNLIMITED } from "./hub.mjs";
import { eventually } from "./program.mjs";

/** More than a list of users shows. */
const MANY = Number(process.env.HUB_USERS ?? 110);

let cluster;
before(async () => (cluster = await Cluster.up(UNLIMITED)));
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

for (const [name, cases] of Object.entries({ door, room })) {
  describe(name, () => {
    for (const [sentence, act] of Object.entries(cases)) scene(sentence, act);
  });
}

/** The list of users once everybody of earlier cases is gone. */
async function alone(line) {
  return eventually(async () => {
    const { data } = await line.answered("stats", { type: "get_stats" });
    return data.totalConnections === 1 && data;
  }, "nobody else");
}

scene("user_status tells of first and last connections across the cluster, once", async (hall) => {
  const eye = await hall.hub(hall.person("Eye"), { node: 2 });
  await alone(eye);
  const person = hall.person("Coming");
  const of = { userId: person.id };
  const first = await hall.hub(person);
  assert.deepEqual(await eye.next("user_status", of), { type: "user_status", ...of, username: "Coming", status: "online", users: 2 });
  const more = [await hall.hub(person, { node: 1 }), await hall.rooms(person, { node: 2 }), await hall.watch(1, person, { node: 1 })];
  for (const line of [first, ...more]) await line.leave();
  const left = Date.now();
  const { status, users } = await eye.next("user_status", of);
  assert.deepEqual([status, users], ["offline", 1]);
  assert.ok(Date.now() - left >= 2_000, "after the grace");
  // Back within the grace: neither is told.
  const second = await hall.hub(person, { node: 1 });
  assert.equal((await eye.next("user_status", of)).status, "online");
  await second.leave();
  const third = await hall.rooms(person);
  const other = hall.person("Other");
  await (await hall.hub(other)).leave();
  assert.equal((await eye.next("user_status", { userId: other.id })).status, "online");
  assert.equal((await eye.next("user_status", { userId: other.id })).status, "offline");
  assert.deepEqual(eye.kept.filter(({ userId }) => userId === person.id), []);
  third.break();
  assert.equal((await eye.next("user_status", of)).status, "offline");
  // Not to the connection that caused it, and to the first door not at all.
  assert.deepEqual([first, second].map((line) => line.kept.filter(({ userId }) => userId === person.id)), [[], []]);
  assert.deepEqual(more[1].kept, []);
});

scene("members tells who came into a room and left it, as users", async (hall) => {
  const roomId = hall.room();
  const [one, two] = [hall.person("One"), hall.person("Two")];
  const a = await hall.hub(one);
  await a.enter(roomId);
  assert.deepEqual((await a.next("members", { roomId, count: 1 })).joined, [{ userId: one.id, username: "One" }]);
  const b = await hall.hub(two, { node: 1 });
  await b.enter(roomId);
  const came = await a.next("members", { roomId, count: 2 });
  assert.deepEqual(came.joined, [{ userId: two.id, username: "Two" }], JSON.stringify(came));
  const twin = await hall.rooms(two, { node: 2 });
  twin.send({ type: "join_room", roomId });
  assert.equal((await twin.next("joined")).members, 2);
  await b.answered("left", { type: "leave_room", roomId });
  twin.break();
  const gone = await a.next("members", { roomId, count: 1 });
  assert.deepEqual(gone.left, [{ userId: two.id, username: "Two" }], JSON.stringify(gone));
  assert.equal(a.kept.filter(({ type, count }) => type === "members" && count !== 1).length, 0, "a user counts once");
  assert.equal(twin.pending("members"), 0);
});

scene("get_users lists users with their connections; welcome and users are cut, and say so", async (hall) => {
  const line = await hall.hub(hall.person("Asker"));
  await alone(line);
  const twice = hall.person("Twice");
  await hall.rooms(twice, { node: 1 });
  await hall.io(await hall.known("Caller"), { node: 2 });
  await hall.hub(twice, { node: 2 });
  const { users } = await line.answered("users", { type: "get_users" });
  const shown = users.map(({ username, connections }) => [username, connections]).sort();
  assert.deepEqual(shown, [["Asker", 1], ["Caller", 1], ["Twice", 2]]);
  const many = Array.from({ length: MANY }, (_, number) => hall.person(`Many-${number}`));
  for (const person of many) await hall.rooms(person, { node: 1 });
  await eventually(async () => (await line.answered("users", { type: "get_users" })).userCount === MANY + 3, "everybody");
  const cut = await line.answered("users", { type: "get_users" });
  assert.deepEqual([cut.users.length, cut.userCount], [100, MANY + 3]);
  const last = await hall.hub(hall.person("Last"), { node: 2 });
  assert.deepEqual([last.welcome.users.length, last.welcome.userCount], [100, MANY + 4]);
  const names = new Set(last.welcome.users.map(({ username }) => username));
  assert.ok(names.has("Last") && names.has(`Many-${MANY - 1}`) && !names.has("Asker"), "the newest are kept");
});

scene("get_stats sums over all nodes what is there", async (hall) => {
  const line = await hall.hub(hall.person("Counter"));
  await alone(line);
  const people = ["A", "B", "C"].map((name) => hall.person(name));
  for (const node of [0, 1, 2]) {
    for (const person of people) {
      await hall.hub(person, { node });
      await hall.rooms(person, { node });
      await hall.watch(1, person, { node });
    }
    await hall.io(await hall.known(`Caller-${node}`), { node });
  }
  const { data, ...rest } = await line.answered("stats", { type: "get_stats" });
  assert.deepEqual([data, rest], [{ totalConnections: 31, totalUsers: 7, subscribers: 0, nodes: 3 }, {}]);
  const counted = Object.values(await cluster.connections()).reduce((sum, count) => sum + count, 0);
  assert.equal(counted, 31, "as the nodes count themselves");
});

// The last one: its node does not come back.
scene("a node that ends says so, closes with 4001, and who comes back goes on without a gap", async (hall) => {
  const roomId = hall.room();
  const person = hall.person("Moving");
  const [line, other] = [await hall.hub(person, { node: 2 }), await hall.hub(hall.person("Staying"))];
  for (const each of [line, other]) await each.enter(roomId);
  await other.tell({ type: "chat", roomId, message: "before" });
  const { seq, epoch } = await line.next("chat");
  process.kill(await cluster.pid(cluster.gateways[2].name), "SIGTERM");
  const { retryAfterMs } = await line.next("reconnect");
  assert.ok(Number.isInteger(retryAfterMs) && retryAfterMs >= 0);
  await line.ends(4001, "draining");
  await other.tell({ type: "chat", roomId, message: "behind your back" });
  const back = await hall.hub(person, { node: 1 });
  assert.match(back.welcome.serverTime, TIME);
  const { history, recovered } = await back.enter(roomId, { since: seq, epoch });
  assert.deepEqual([recovered, history.map(({ message }) => message)], [true, ["behind your back"]]);
});
