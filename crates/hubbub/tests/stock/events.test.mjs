// The door of events: one subscription per connection, and what every node tells of bookings. Written from the contract.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { Hall, TIME, UNLIMITED } from "./hub.mjs";
import { get, turnedAway } from "./http.mjs";
import { eventually } from "./program.mjs";
import { inSeconds } from "./socketio.mjs";

let cluster;
let hall;
before(async () => {
  cluster = await Cluster.up(UNLIMITED);
  hall = new Hall(cluster);
});
afterEach(() => hall.close());
after(() => {
  hall?.close();
  cluster?.down();
});

/** An event with so many seats. */
async function event(totalSeats, title = "a concert") {
  const made = await get(201, hall.at(0), hall.person("Admin", { role: "admin" }).token, "POST", "/api/events", { title, totalSeats });
  return made.id;
}

const book = (node, person, eventId, more = {}) =>
  get(201, hall.at(node), person.token, "POST", "/api/bookings", { eventId, ...more });
const cancel = (node, person, id) => get(200, hall.at(node), person.token, "DELETE", `/api/bookings/${id}`);

/** Sends a frame and returns the next answer of this type. */
function ask(line, frame, type) {
  line.send(frame);
  return line.next(type);
}

test("without a token, or with a bad one, the socket is closed with 1008 and its reason", async () => {
  await hall.dial(undefined, { path: "/ws/events/7" }).ends(1008, "Authentication token required");
  await hall.dial({ token: "x.y.z" }, { path: "/ws/events/7" }).ends(1008, "Invalid authentication token");
  const late = hall.person("Late", { exp: inSeconds(-60) });
  await hall.dial(late, { path: "/ws/events/7" }).ends(1008, "Invalid authentication token");
});

test("connection_established names the event, or null where the path has no number", async () => {
  const watcher = hall.person("Watcher");
  const { type, clientId, timestamp, ...rest } = (await hall.watch(7, watcher)).welcome;
  assert.deepEqual([type, rest], ["connection_established", { eventId: 7 }]);
  assert.equal(typeof clientId, "string");
  assert.match(timestamp, TIME);
  const other = (await hall.watch(7, watcher)).welcome;
  assert.notEqual(other.clientId, clientId);
  for (const path of ["abc", "1.5", "-1", "7x"]) {
    assert.strictEqual((await hall.watch(path, watcher)).welcome.eventId, null, path);
  }
});

test("the token may come in a header, a cookie or a subprotocol; a cookie only from our own origin", async () => {
  const { token } = hall.person("Carrier");
  const { host } = new URL(hall.at(0));
  const path = { path: "/ws/events/7" };
  const header = hall.dial(undefined, { ...path, headers: { authorization: `Bearer ${token}` } });
  await header.next("connection_established");
  const bearer = hall.dial(undefined, { ...path, protocols: ["hubbub.bearer", token] });
  await bearer.next("connection_established");
  assert.equal(bearer.socket.protocol, "hubbub.bearer");
  const cookie = hall.dial(undefined, { ...path, headers: { cookie: `token=${token}`, origin: `http://${host}` } });
  await cookie.next("connection_established");
  const foreign = { cookie: `token=${token}`, origin: "http://elsewhere.example" };
  assert.equal((await turnedAway(`ws://${host}/ws/events/7`, foreign)).status, 403);
});

test("a booking and its cancellation reach the subscribers of their event on every node, and nobody else", async () => {
  const [eventId, otherId] = [await event(10), await event(10)];
  const watcher = hall.person("Watcher");
  const watching = await Promise.all([0, 1, 2].map((node) => hall.watch(eventId, watcher, { node })));
  const elsewhere = await hall.watch(otherId, watcher, { node: 1 });
  const [named, numbered] = [hall.person("Named"), hall.person("Numbered", { userId: 4711 })];
  const first = await book(0, named, eventId);
  assert.match(first.bookingId, /^BK-\w+$/);
  assert.equal(first.availableSeats, 9);
  const second = await book(1, numbered, eventId, { quantity: 3 });
  assert.equal(second.availableSeats, 6);
  assert.deepEqual(await cancel(2, named, first.bookingId), { bookingId: first.bookingId, availableSeats: 7 });
  await book(0, named, otherId);
  const expected = [
    { type: "booking_created", eventId, bookingId: first.bookingId, userId: named.id, availableSeats: 9 },
    { type: "booking_created", eventId, bookingId: second.bookingId, userId: 4711, availableSeats: 6 },
    { type: "booking_cancelled", eventId, bookingId: first.bookingId, userId: named.id, availableSeats: 7 },
  ];
  for (const line of watching) {
    await eventually(() => line.kept.length >= 3, "three changes");
    const heard = line.kept.map(({ timestamp, ...rest }) => {
      assert.match(timestamp, TIME);
      return rest;
    });
    assert.deepEqual(heard, expected);
  }
  assert.equal((await elsewhere.next("booking_created")).eventId, otherId);
  assert.deepEqual(elsewhere.kept, []);
});

test("subscribe_event ends the former subscription; a text of digits is a number; unknown events are accepted", async () => {
  const [one, two, three] = [await event(5), await event(5), await event(5)];
  const person = hall.person("Restless");
  const line = await hall.watch(one, person, { node: 1 });
  const { timestamp, ...subscribed } = await ask(line, { type: "subscribe_event", eventId: `${two}` }, "subscribed");
  assert.deepEqual(subscribed, { type: "subscribed", eventId: two });
  assert.match(timestamp, TIME);
  await book(0, person, one);
  await book(0, person, two);
  assert.equal((await line.next("booking_created")).eventId, two);
  assert.equal((await ask(line, { type: "subscribe_event", eventId: 987654321 }, "subscribed")).eventId, 987654321);
  assert.equal((await ask(line, { type: "subscribe_event", eventId: three }, "subscribed")).eventId, three);
  assert.equal((await ask(line, { type: "subscribe_event", eventId: three }, "subscribed")).eventId, three);
  for (const id of [one, two, three]) await book(0, person, id);
  assert.equal((await line.next("booking_created")).eventId, three);
  assert.deepEqual(line.kept, []);
});

test("a path without a number subscribes to nothing until the client does", async () => {
  const eventId = await event(5);
  const person = hall.person("Later");
  const line = await hall.watch("none", person, { node: 2 });
  await book(0, person, eventId);
  assert.equal((await ask(line, { type: "get_stats" }, "stats")).data.subscribers, 0);
  await ask(line, { type: "subscribe_event", eventId }, "subscribed");
  await book(0, person, eventId);
  assert.equal((await line.next("booking_created")).availableSeats, 3);
  assert.deepEqual(line.kept, []);
});

test("ping is answered with pong", async () => {
  const line = await hall.watch(7, hall.person("Pinger"));
  const { timestamp, ...pong } = await ask(line, { type: "ping" }, "pong");
  assert.deepEqual(pong, { type: "pong" });
  assert.match(timestamp, TIME);
});

test("get_stats counts connections, users, subscribers and nodes across the cluster", async () => {
  const eventId = await event(5);
  const [one, other] = [hall.person("One"), hall.person("Other")];
  const lines = [await hall.watch(eventId, one), await hall.watch(eventId, one, { node: 1 })];
  lines.push(await hall.watch(eventId, other, { node: 2 }), await hall.watch("none", other, { node: 1 }));
  await hall.hub(hall.person("Third"), { node: 2 });
  // Those of the tests before may be on their way out.
  const data = await eventually(async () => {
    const { type, data, ...rest } = await ask(lines[2], { type: "get_stats" }, "stats");
    assert.deepEqual([type, rest], ["stats", {}]);
    return data.totalConnections === 5 && data;
  }, "five connections");
  assert.deepEqual(data, { totalConnections: 5, totalUsers: 3, subscribers: 2, nodes: 3 });
  const none = await ask(lines[3], { type: "get_stats" }, "stats");
  assert.deepEqual(none.data, { totalConnections: 5, totalUsers: 3, subscribers: 0, nodes: 3 });
});

test("what is not JSON or not a frame is answered, and the connection stays", async () => {
  const line = await hall.watch(7, hall.person("Clumsy"));
  for (const nonsense of ["{", "hello", "[1]", "7", "null", Buffer.from([0xff, 0xfe])]) {
    const { type, code, message } = await ask(line, nonsense, "error");
    assert.deepEqual([type, code, message], ["error", "invalid_message", "Invalid message format"], `${nonsense}`);
  }
  assert.equal((await ask(line, { type: "chat", roomId: 1, message: "x" }, "error")).code, "unknown_type");
  assert.equal((await ask(line, { type: "subscribe_event", eventId: "abc" }, "error")).code, "invalid_message");
  await ask(line, { type: "ping" }, "pong");
  const again = await hall.watch(7, hall.person("Clumsier"));
  for (const eventId of [undefined, null, true, -1, 1.5, {}]) {
    assert.equal((await ask(again, { type: "subscribe_event", eventId }, "error")).code, "invalid_message", `${eventId}`);
  }
  await ask(again, { type: "ping" }, "pong");
});

test("the tenth bad frame within a minute closes with 4500, after its error", async () => {
  const line = await hall.watch(7, hall.person("Stubborn"));
  for (let count = 0; count < 10; count += 1) line.send("{");
  await line.ends(4500);
  assert.equal(line.pending("error"), 10);
});

test("a token that lists rooms subscribes to no other event", async () => {
  const line = await hall.watch(1, hall.person("Narrow", { rooms: ["event:1"] }));
  assert.equal((await ask(line, { type: "subscribe_event", eventId: 2 }, "error")).code, "forbidden");
  assert.equal((await ask(line, { type: "subscribe_event", eventId: 1 }, "subscribed")).eventId, 1);
});

test("a connection does not outlive its token", async () => {
  const line = await hall.watch(7, hall.person("Brief", { exp: inSeconds(2) }));
  await line.ends(4401, "token_expired", 15_000);
});

test("a Socket.IO client and the first door keep working beside the feed, and hear nothing of it", async () => {
  const eventId = await event(5);
  const person = await hall.known("Bystander");
  const [raw, socket, feed] = [await hall.rooms(person), await hall.io(person, { node: 1 }), await hall.watch(eventId, person, { node: 2 })];
  const heard = [];
  socket.socket.onAny((name) => heard.push(name));
  raw.send({ type: "join_room", roomId: "room-beside" });
  await raw.next("joined");
  await book(0, person, eventId);
  await feed.next("booking_created");
  await socket.tell("leave_room", 1);
  raw.send({ type: "chat", roomId: "room-beside", message: "still here" });
  await raw.next("chat");
  assert.deepEqual([raw.kept, heard.filter((name) => name.includes("booking"))], [[], []]);
});
