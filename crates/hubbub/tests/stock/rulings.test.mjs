// What those in authority do, and nobody else may: announcements, rulings against users, tokens and roles, and messages in
// somebody's name; on every node and at every door.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { Hall, TIME, UNLIMITED, UUID } from "./hub.mjs";
import { ask, get, refused } from "./http.mjs";
import { eventually, within } from "./program.mjs";
import { inSeconds } from "./socketio.mjs";

/** Within this time a ruling has reached every connection; in milliseconds. */
const AT_ONCE = 1_000;

let cluster;
before(async () => (cluster = await Cluster.up(UNLIMITED)));
after(() => cluster?.down());

/** One case, with everybody in it gone afterwards. */
function scene(name, act) {
  test(name, async () => {
    const hall = new Hall(cluster);
    try {
      await act(hall, hall.person("Service", { role: "service" }));
    } finally {
      hall.close();
    }
  });
}

/** A request to the server API on some node. */
const rule = (hall, status, { token }, path, body, method = "POST") =>
  get(status, hall.at(1), token, method, `/api/server/${path}`, body);

/** The same request under one key, at once and again and again, on all nodes; the one answer that all of them have. */
async function repeatedly(hall, { token }, path, body) {
  const headers = { "idempotency-key": randomUUID() };
  const on = (node, what = body) => ask(hall.at(node), token, "POST", `/api/server/${path}`, what, headers);
  const answers = await Promise.all([0, 1, 2, 0, 1, 2].map((node) => on(node)));
  answers.push(await on(1));
  const [{ status, body: first }] = answers;
  for (const answer of answers) assert.deepEqual([answer.status, answer.body], [status, first], path);
  if (body) {
    const other = await on(2, { ...body, message: "something else" });
    assert.deepEqual([other.status, other.body.code], [409, "conflict"], path);
  }
  return { status, body: first };
}

/** A connection of this person at every door, on all nodes. */
async function everywhere(hall, person) {
  const [hub, twin] = [await hall.hub(person), await hall.hub(person, { node: 1 })];
  const [raw, feed] = [await hall.rooms(person, { node: 2 }), await hall.watch(1, person, { node: 0 })];
  const sockets = [await hall.io(person, { node: 1 }), await hall.io(person, { node: 2, transports: ["polling"] })];
  return { lines: [hub, twin, raw, feed], hub, sockets, all: 6 };
}

/** Every one of these is closed as a kick is, soon after `began`; returns after how long the last one was. */
async function kicked({ lines, sockets }, began) {
  const socketEnds = sockets.map(async (socket) => {
    const [reason] = await socket.raw("disconnect");
    return [(await socket.next("error")).code, reason];
  });
  for (const line of lines) await line.ends(4503, "kicked");
  for (const end of socketEnds) assert.deepEqual(await within(end, "the end of a socket"), ["kicked", "io server disconnect"]);
  const last = Date.now() - began;
  assert.ok(last <= AT_ONCE, `${last} ms`);
  return last;
}

/** None of these doors lets them in. */
async function staysOut(hall, person) {
  for (const [node, path] of ["/", "/ws", "/ws/events/1"].entries()) {
    const line = hall.dial(person, { path, node });
    await line.ends(4503, "kicked");
    assert.deepEqual(line.kept.filter(({ type }) => type !== "error"), [], path);
  }
  const error = await hall.ring(person, { node: 1 }).refusal();
  assert.ok(error, "Socket.IO");
  const answer = await ask(hall.at(0), person.token, "GET", "/api/me");
  assert.ok([401, 403].includes(answer.status), `/api/me: ${answer.status}`);
}

/** People all over the cluster, two of them in one room. */
async function assembly(hall) {
  const roomId = hall.room();
  const [admin, anna, ben] = [hall.person("Admin", { role: "admin" }), hall.person("Anna"), await hall.known("Ben")];
  const at = {
    speaker: await hall.hub(admin),
    speakerTwin: await hall.hub(admin, { node: 1 }),
    anna: await hall.hub(anna, { node: 1 }),
    annaTwin: await hall.hub(anna, { node: 2 }),
    ben: await hall.hub(ben, { node: 2 }),
    benSocket: await hall.io(ben, { node: 0 }),
    raw: await hall.rooms(anna, { node: 0 }),
  };
  await at.anna.enter(roomId);
  await at.ben.enter(roomId);
  await at.benSocket.tell("join_room", roomId);
  at.raw.send({ type: "join_room", roomId });
  await at.raw.next("joined");
  return { at, admin, anna, ben, roomId };
}

const ROLES = ["speaker", "speakerTwin", "anna", "annaTwin", "ben", "benSocket"];

/** Who of the assembly has heard which announcement, each once, up to the one that is called so. */
async function audiences(at, last) {
  const heard = {};
  for (const name of ROLES) {
    const messages = [];
    while (messages.at(-1) !== last) {
      const { message } = await at[name].next("announcement");
      messages.push(message);
    }
    for (const message of messages) (heard[message] ??= []).push(name);
  }
  return heard;
}

scene("an announcement of each scope reaches exactly its audience across nodes", async (hall) => {
  const { at, admin, anna, roomId } = await assembly(hall);
  const announce = (scope, message, to) => at.speaker.tell({ type: "announce", scope, to, message });
  assert.deepEqual(await announce("all", "to all"), {});
  await announce("others", "to others");
  await announce("user", "to anna", anna.id);
  await announce("room", "to the room", roomId);
  await announce("user", "to nobody", "nobody-at-all");
  await announce("room", "to an empty room", hall.room());
  await announce("all", "the end");
  const first = await at.annaTwin.next("announcement");
  assert.deepEqual(first, { type: "announcement", message: "to all", from: admin.id });
  const shown = await at.benSocket.next("announcement");
  assert.deepEqual(shown, { message: "to all", from: admin.id });
  const heard = await audiences(at, "the end");
  assert.deepEqual(heard, {
    "to all": ROLES.filter((name) => !["annaTwin", "benSocket"].includes(name)),
    "to others": ROLES.slice(1),
    "to anna": ["anna", "annaTwin"],
    "to the room": ["anna", "ben", "benSocket"],
    "the end": ROLES,
  });
  // The first door sends nothing that its client did not cause.
  at.raw.send({ type: "leave_room", roomId });
  await at.raw.next("left");
  assert.deepEqual(at.raw.kept, []);
  for (const wrong of [{ scope: "nonsense" }, { scope: "user" }, { scope: "room" }, {}, { scope: "all", message: " " }, { scope: "all", message: 7 }]) {
    await at.speaker.refused("invalid_message", { type: "announce", message: "x", ...wrong });
  }
});

scene("an announcement by a user or a moderator is refused and in the security log, without the token", async (hall) => {
  const ear = await hall.hub(hall.person("Ear"), { node: 1 });
  for (const role of ["user", "moderator"]) {
    const person = hall.person(`A-${role}`, { role });
    const line = await hall.hub(person);
    for (const scope of ["all", "others", "user", "room"]) {
      await line.refused("forbidden", { type: "announce", scope, to: "x", message: "to the barricades" });
    }
    const lines = await eventually(() => {
      const found = hall.logged(0, "hubbub::security", person.id);
      return found.length > 0 && found;
    }, "the security log");
    for (const line of lines) assert.ok(!line.includes(person.token) && !line.includes("barricades"), line);
  }
  const service = await hall.hub(hall.person("Backend", { role: "service" }), { node: 2 });
  await service.tell({ type: "announce", scope: "all", message: "by a service" });
  assert.equal((await ear.next("announcement")).message, "by a service");
});

scene("a disabled user is closed on every node and door at once, stays out, and is let in again", async (hall, service) => {
  const person = await hall.known("Troll");
  const doors = await everywhere(hall, person);
  const watcher = await hall.hub(hall.person("Watcher"));
  const began = Date.now();
  const { closed } = await rule(hall, 200, service, `users/${person.id}/disable`);
  console.log(`# a disabled user's last connection ended after ${await kicked(doors, began)} ms`);
  assert.equal(closed, doors.all);
  await staysOut(hall, person);
  assert.ok(hall.logged(0, "hubbub::security", person.id).every((line) => !line.includes(person.token)));
  assert.ok(hall.logged(0, "hubbub::security", person.id).length > 0);
  await watcher.settle();
  await rule(hall, 204, service, `users/${person.id}/enable`);
  await eventually(async () => (await ask(hall.at(0), person.token, "GET", "/api/me")).status === 200, "HTTP again");
  await everywhere(hall, person);
});

scene("a user who was never here can be disabled ahead", async (hall, service) => {
  const person = hall.person("Banned");
  const { closed } = await rule(hall, 200, service, `users/${person.id}/disable`);
  assert.equal(closed, 0);
  await staysOut(hall, person);
});

scene("a user who is disconnected may come back", async (hall, service) => {
  const person = await hall.known("Stuck");
  const doors = await everywhere(hall, person);
  const began = Date.now();
  const { closed } = await rule(hall, 200, service, `users/${person.id}/disconnect`);
  await kicked(doors, began);
  assert.equal(closed, doors.all);
  const again = await everywhere(hall, person);
  await again.hub.settle();
  assert.equal((await rule(hall, 200, service, "users/nobody-at-all/disconnect")).closed, 0);
});

scene("a revoked token ends its connections and no others of its user", async (hall, service) => {
  const known = await hall.known("Leaky");
  const jti = randomUUID();
  const leaked = hall.person("Leaky", { sub: known.id, userId: known.id, jti, exp: inSeconds(600) });
  const other = await hall.hub(known, { node: 1 });
  const doors = await everywhere(hall, leaked);
  const began = Date.now();
  await rule(hall, 204, service, "tokens/revoke", { jti });
  await kicked(doors, began);
  await staysOut(hall, leaked);
  await other.settle();
  await hall.hub(known, { node: 2 });
});

scene("a new role counts on open connections at once, and is taken back", async (hall, service) => {
  const iat = inSeconds(-10);
  const person = await hall.known("Deputy", { iat });
  const line = await hall.hub(person);
  const ear = await hall.hub(hall.person("Ear"), { node: 2 });
  const announce = { type: "announce", scope: "all", message: "by a deputy" };
  await line.refused("forbidden", announce);
  await rule(hall, 204, service, `users/${person.id}/role`, { role: "admin" }, "PUT");
  await eventually(async () => (await line.ask(announce)).type === "ack", "the new role", AT_ONCE);
  assert.equal((await ear.next("announcement")).from, person.id);
  const later = await hall.hub(person, { node: 1 });
  await later.tell(announce);
  await get(201, hall.at(0), person.token, "POST", "/api/events", { title: "by a deputy", totalSeats: 1 });
  await rule(hall, 204, service, `users/${person.id}/role`, { role: "user" }, "PUT");
  await eventually(async () => (await line.ask(announce)).code === "forbidden", "the old role", AT_ONCE);
  await later.refused("forbidden", announce);
  await refused(403, "forbidden", hall.at(0), person.token, "POST", "/api/events", { title: "no more", totalSeats: 1 });
  await refused(422, "invalid_message", hall.at(0), service.token, "PUT", `/api/server/users/${person.id}/role`, { role: "king" });
});

scene("a service publishes in somebody's name, and announces", async (hall, service) => {
  const { at, anna, ben, roomId } = await assembly(hall);
  const message = { room: `room:${roomId}`, userId: "ghost-writer", username: "Ghost", message: "boo", clientId: "p-1" };
  const published = await rule(hall, 202, service, "publish", message);
  assert.match(published.id, UUID);
  for (const line of [at.anna, at.ben, at.raw]) {
    const { epoch, sentAt, ...chat } = await line.next("chat");
    assert.match(sentAt, TIME);
    const words = { roomId, message: "boo", userId: "ghost-writer", username: "Ghost", clientId: "p-1" };
    assert.deepEqual(chat, { type: "chat", ...words, ...published });
  }
  assert.equal((await at.benSocket.next("receive_message")).text, "boo");
  assert.deepEqual(await rule(hall, 202, service, "publish", message), published, "a repeat");
  const lobby = await rule(hall, 202, service, "publish", { room: "lobby:main", userId: anna.id, message: "in the lobby" });
  assert.equal((await at.ben.next("chat", { id: lobby.id })).roomId, "lobby");
  for (const room of ["event:1", `user:${ben.id}`, "cluster:all", "nonsense", "lobby:other"]) {
    await refused(422, "invalid_room", hall.at(0), service.token, "POST", "/api/server/publish", { room, userId: "x", message: "x" });
  }
  for (const wrong of [{}, { message: "" }, { message: "x", userId: undefined }, { message: "x", room: undefined }]) {
    const body = { room: `room:${roomId}`, userId: "x", ...wrong };
    await refused(422, "invalid_message", hall.at(0), service.token, "POST", "/api/server/publish", body);
  }
  await rule(hall, 202, service, "broadcast", { message: "closing time" });
  for (const name of ROLES) {
    const { type, ...said } = await at[name].next("announcement");
    assert.deepEqual(said, { message: "closing time", from: service.id }, name);
  }
  assert.deepEqual(at.anna.kept.filter(({ type }) => type === "chat").map(({ id }) => id), [lobby.id], "the repeat is not heard");
});

scene("one key is one deed, however often and wherever it is asked for", async (hall, service) => {
  const { at, anna, roomId } = await assembly(hall);
  const publication = { room: `room:${roomId}`, userId: "ghost-writer", message: "boo" };
  const published = await repeatedly(hall, service, "publish", publication);
  assert.equal(published.status, 202);
  const broadcast = await repeatedly(hall, service, "broadcast", { message: "closing time" });
  const announced = await repeatedly(hall, service, `users/${anna.id}/announce`, { message: "for anna" });
  assert.deepEqual([broadcast.status, announced.status], [202, 202]);
  // Whatever was done twice would be heard before these.
  const last = await rule(hall, 202, service, "publish", { ...publication, message: "the end" });
  await rule(hall, 202, service, "broadcast", { message: "the end" });
  assert.equal(last.seq, published.body.seq + 1);
  for (const line of [at.anna, at.ben]) {
    for (const { id } of [published.body, last]) await line.next("chat", { id });
    await line.next("announcement", { message: "the end" });
    assert.equal(line.pending("chat"), 0);
  }
  const heard = (line) => line.kept.filter(({ type }) => type === "announcement").map(({ message }) => message);
  assert.deepEqual([heard(at.anna).sort(), heard(at.ben)], [["closing time", "for anna"], ["closing time"]]);
  const gone = await repeatedly(hall, service, `users/${anna.id}/disconnect`);
  assert.deepEqual(gone, { status: 200, body: { closed: 3 } });
  for (const line of [at.anna, at.annaTwin, at.raw]) await line.ends(4503, "kicked");
  // A key that is no key, and one that is somebody else's.
  const broken = { "idempotency-key": "with space" };
  assert.equal((await ask(hall.at(0), service.token, "POST", "/api/server/broadcast", { message: "x" }, broken)).status, 400);
  const key = { "idempotency-key": "everybody's" };
  const other = hall.person("Other", { role: "service" });
  for (const who of [service, other]) {
    const message = { ...publication, message: `by ${who.id}` };
    assert.equal((await ask(hall.at(0), who.token, "POST", "/api/server/publish", message, key)).status, 202);
    await at.ben.next("chat", { message: message.message });
  }
});

scene("a service announces to one user, on every node and at the doors that show it", async (hall, service) => {
  const { at, anna, ben } = await assembly(hall);
  await rule(hall, 202, service, `users/${anna.id}/announce`, { message: "for anna" });
  await rule(hall, 202, service, `users/${ben.id}/announce`, { message: "for ben" });
  await rule(hall, 202, service, "users/nobody-at-all/announce", { message: "for nobody" });
  await rule(hall, 202, service, "broadcast", { message: "the end" });
  const shown = await at.annaTwin.next("announcement");
  assert.deepEqual(shown, { type: "announcement", message: "for anna", from: service.id });
  const heard = await audiences(at, "the end");
  const users = { "for anna": ["anna"], "for ben": ["ben", "benSocket"] };
  assert.deepEqual(heard, { ...users, "the end": ROLES });
  for (const body of [{}, { message: " " }, { message: 7 }]) {
    await refused(422, "invalid_message", hall.at(0), service.token, "POST", `/api/server/users/${anna.id}/announce`, body);
  }
});

scene("a service sees how many there are, where, and who", async (hall, service) => {
  const [person, other] = [hall.person("Here"), hall.person("There")];
  const roomId = hall.room();
  const line = await hall.hub(person);
  await eventually(async () => (await line.answered("stats", { type: "get_stats" })).data.totalConnections === 1, "nobody else");
  const twin = await hall.hub(person, { node: 1 });
  const raw = await hall.rooms(other, { node: 2 });
  for (const each of [line, twin]) await each.enter(roomId);
  raw.send({ type: "join_room", roomId });
  await raw.next("joined");
  const asked = (path) => rule(hall, 200, service, path, undefined, "GET");
  const { totalConnections, totalUsers, nodes } = await asked("stats");
  assert.deepEqual([totalConnections, totalUsers, nodes], [3, 2, 3]);
  const there = (await asked("nodes")).nodes;
  assert.deepEqual(there.map(({ name }) => name).sort(), cluster.gateways.map(({ name }) => name).sort());
  const seen = await asked(`presence?room=${encodeURIComponent(`room:${roomId}`)}`);
  const users = [
    { userId: person.id, username: "Here", connections: 2 },
    { userId: other.id, username: "There", connections: 1 },
  ];
  assert.deepEqual({ ...seen, users: seen.users.sort((a, b) => (a.username < b.username ? -1 : 1)) }, { room: `room:${roomId}`, users, count: 2 });
});

scene("the server API is for services and admins alone", async (hall) => {
  const [user, admin] = [hall.person("User"), hall.person("Admin", { role: "admin" })];
  const requests = [
    ["POST", "publish", { room: "room:x", userId: "x", message: "x" }],
    ["POST", "broadcast", { message: "x" }],
    ["POST", "users/x/announce", { message: "x" }],
    ["POST", "users/x/disconnect"],
    ["POST", "users/x/disable"],
    ["POST", "users/x/enable"],
    ["PUT", "users/x/role", { role: "admin" }],
    ["POST", "tokens/revoke", { jti: "x" }],
    ["GET", "stats"],
    ["GET", "nodes"],
    ["GET", "presence?room=room:x"],
  ];
  for (const [method, path, body] of requests) {
    await refused(403, "forbidden", hall.at(0), user.token, method, `/api/server/${path}`, body);
    await refused(401, "unauthorized", hall.at(0), null, method, `/api/server/${path}`, body);
  }
  await get(200, hall.at(0), admin.token, "GET", "/api/server/stats");
  assert.ok(hall.logged(0, "hubbub::security", user.id).length > 0, "role denials are in the security log");
});
