// Seats under concurrency: never sold twice, and every subscriber on every node sees each booking once and in order, also
// when a gateway that books is killed.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { Hall, UNLIMITED } from "./hub.mjs";
import { ask, get, refused } from "./http.mjs";
import { eventually, within } from "./program.mjs";

/** Seats of the event that is booked out; four attempts for each. */
const SEATS = Number(process.env.BOOKING_SEATS ?? 500);
const ATTEMPTS = 4 * SEATS;
/** Seats of the event during whose bookings a gateway is killed. */
const LOST_SEATS = Math.ceil(SEATS / 2);
const WRITERS = 8;
/** The lock of the database that whoever empties the outbox holds. */
const OUTBOX_TURN = "1752523362, 1869968482";
/** Subscribers on each node. */
const SUBSCRIBERS = 3;

let cluster;
let hall;
let admin;
before(async () => {
  cluster = await Cluster.up(UNLIMITED);
  hall = new Hall(cluster);
  admin = hall.person("Admin", { role: "admin" });
});
afterEach(() => hall.close());
after(() => {
  hall?.close();
  cluster?.down();
});

async function event(totalSeats, node = 0) {
  const made = await get(201, hall.at(node), admin.token, "POST", "/api/events", { title: "a concert", totalSeats });
  assert.equal(typeof made.id, "number");
  assert.deepEqual(made, { id: made.id, title: "a concert", totalSeats, availableSeats: totalSeats });
  return made.id;
}

const falling = (from) => Array.from({ length: from }, (_, index) => from - 1 - index);
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const seats = (frames) => frames.map(({ availableSeats }) => availableSeats);
const changes = (line) => line.kept.filter(({ type }) => /^booking_/.test(type));

/** Somebody who books on one of these nodes, and on the next one where the first is gone. */
class Writer {
  constructor(number, nodes) {
    this.person = hall.person(`Writer-${number}`);
    this.nodes = nodes;
    this.turn = number;
  }

  /** Tries until it is answered, each time under the same key. */
  async book(eventId) {
    const key = { "idempotency-key": randomUUID() };
    for (let tries = 0; tries < 20; tries += 1) {
      const node = this.nodes[this.turn % this.nodes.length];
      try {
        return await ask(hall.at(node), this.person.token, "POST", "/api/bookings", { eventId }, key);
      } catch {
        this.turn += 1;
      }
    }
    throw new Error("no gateway answers");
  }
}

/** As many attempts by all writers as are wanted; the answers. `tell` hears of each. */
async function rush(eventId, nodes, attempts, tell = () => {}) {
  const answers = [];
  let left = attempts;
  const writers = range(0, WRITERS - 1).map((number) => new Writer(number, nodes));
  await Promise.all(
    writers.map(async (writer) => {
      while (left > 0) {
        left -= 1;
        answers.push(await writer.book(eventId));
        tell(answers.length);
      }
    }),
  );
  return answers;
}

/** Exactly the seats were sold, each once, as the answers and the database have it. */
async function soldOut(eventId, total, answers) {
  const sold = answers.filter(({ status }) => status === 201);
  const rest = answers.filter(({ status }) => status !== 201);
  const bookings = sold.map(({ body }) => body.bookingId);
  assert.equal(sold.length, total);
  assert.ok(rest.every(({ status, body }) => status === 409 && body.code === "sold_out"), JSON.stringify(rest.find(({ body }) => body.code !== "sold_out")));
  assert.equal(new Set(bookings).size, total);
  assert.deepEqual(seats(sold.map(({ body }) => body)).sort((a, b) => b - a), falling(total));
  const rows = await cluster.query(`SELECT id FROM bookings WHERE event_id = ${eventId}`);
  assert.deepEqual(rows.flat().sort(), [...bookings].sort());
  const versions = await cluster.query(`SELECT version FROM outbox WHERE key = '${eventId}' ORDER BY version`);
  assert.deepEqual(versions.flat().map(Number), range(1, total));
  assert.deepEqual(await cluster.query(`SELECT available_seats, version FROM events WHERE id = ${eventId}`), [["0", `${total}`]]);
  return new Set(bookings);
}

/** This subscriber saw every booking once, and the seats falling one by one. */
async function sawAll(line, bookings) {
  await eventually(() => changes(line).length >= bookings.size, `${bookings.size} bookings at ${line.label}`);
  const heard = changes(line);
  assert.ok(heard.every(({ type }) => type === "booking_created"));
  assert.deepEqual(seats(heard), falling(bookings.size), line.label);
  assert.deepEqual(new Set(heard.map(({ bookingId }) => bookingId)), bookings);
}

const subscribers = (eventId, nodes) => {
  const places = nodes.flatMap((node) => Array(SUBSCRIBERS).fill(node));
  return Promise.all(places.map((node, number) => hall.watch(eventId, hall.person(`Eye-${number}`), { node })));
};

test(`${WRITERS} writers on two nodes book ${SEATS} seats with ${ATTEMPTS} attempts: each seat once, each told once and in order`, async (context) => {
  const eventId = await event(SEATS);
  const watching = await subscribers(eventId, [0, 1, 2]);
  const began = Date.now();
  const answers = await rush(eventId, [0, 1], ATTEMPTS);
  context.diagnostic(`${ATTEMPTS} attempts in ${Date.now() - began} ms`);
  const bookings = await soldOut(eventId, SEATS, answers);
  for (const line of watching) await sawAll(line, bookings);
  // Whatever was told twice would come before this.
  const [{ body }] = answers.filter(({ status }) => status === 201);
  await get(200, hall.at(2), admin.token, "DELETE", `/api/bookings/${body.bookingId}`);
  for (const line of watching) {
    assert.equal((await line.next("booking_cancelled")).availableSeats, 1);
    assert.equal(changes(line).length, SEATS);
  }
});

test("cancelled seats come back in order, also while others book", async () => {
  const eventId = await event(200);
  const watching = await subscribers(eventId, [0, 1, 2]);
  const person = hall.person("Wavering");
  const on = (number) => hall.at(number % 3);
  const book = (number) => get(201, on(number), person.token, "POST", "/api/bookings", { eventId, quantity: (number % 3) + 1 });
  const made = await Promise.all(range(1, 40).map(book));
  const undo = (number) => get(200, on(number), person.token, "DELETE", `/api/bookings/${made[number].bookingId}`);
  const mixed = await Promise.all(range(0, 39).flatMap((number) => [undo(number), book(number)]));
  assert.equal(mixed.filter(({ availableSeats }) => Number.isInteger(availableSeats)).length, 80);
  const left = (await get(200, hall.at(0), person.token, "GET", `/api/events/${eventId}`)).availableSeats;
  const quantities = await cluster.query(`SELECT id, quantity FROM bookings WHERE event_id = ${eventId}`);
  const quantity = new Map(quantities.map(([id, count]) => [id, Number(count)]));
  for (const line of watching) {
    await eventually(() => changes(line).length >= 120, "every change");
    let available = 200;
    for (const change of changes(line)) {
      const taken = quantity.get(change.bookingId) * (change.type === "booking_created" ? 1 : -1);
      available -= taken;
      assert.equal(change.availableSeats, available, `${line.label}: ${JSON.stringify(change)}`);
    }
    assert.deepEqual([available, changes(line).length], [left, 120]);
  }
});

test("one key is one booking, however often and at once it is repeated", async () => {
  const eventId = await event(50);
  const line = await hall.watch(eventId, hall.person("Eye"), { node: 2 });
  const [person, other] = [hall.person("Hasty"), hall.person("Other")];
  const key = { "idempotency-key": "one-and-the-same" };
  const book = (who, node, body, headers) => ask(hall.at(node), who.token, "POST", "/api/bookings", body, headers);
  const repeats = await Promise.all(range(1, 20).map((number) => book(person, number % 3, { eventId }, key)));
  const [first] = repeats;
  assert.equal(first.status, 201);
  for (const { status, body } of repeats) assert.deepEqual([status, body], [201, first.body]);
  assert.equal(first.body.availableSeats, 49);
  await refused(409, "conflict", hall.at(1), person.token, "POST", "/api/bookings", { eventId, quantity: 2 }, key);
  const theirs = await book(other, 0, { eventId }, key);
  assert.deepEqual([theirs.status, theirs.body.availableSeats], [201, 48]);
  const unnamed = await Promise.all([book(person, 0, { eventId }), book(person, 1, { eventId })]);
  assert.notEqual(unnamed[0].body.bookingId, unnamed[1].body.bookingId);
  for (const available of [49, 48, 47, 46]) assert.equal((await line.next("booking_created")).availableSeats, available);
  assert.deepEqual(line.kept, []);
});

test("bookings are refused by their rules, each with a problem document", async () => {
  const eventId = await event(3);
  const [person, other] = [hall.person("Guest"), hall.person("Other")];
  const post = (status, code, body, token = person.token) => refused(status, code, hall.at(0), token, "POST", "/api/bookings", body);
  const drop = (status, code, id, { token } = person) => refused(status, code, hall.at(1), token, "DELETE", `/api/bookings/${id}`);
  await post(401, "unauthorized", { eventId }, null);
  await post(400, "invalid_message", "{");
  for (const body of [{}, { eventId: "x" }, { eventId, quantity: 0 }, { eventId, quantity: -1 }, { eventId, quantity: 1.5 }]) {
    await post(422, "invalid_message", body);
  }
  await post(404, "not_found", { eventId: 987654321 });
  await post(409, "sold_out", { eventId, quantity: 4 });
  assert.equal((await get(200, hall.at(2), person.token, "GET", `/api/events/${eventId}`)).availableSeats, 3, "nothing was booked");
  const [mine, second] = [
    await get(201, hall.at(0), person.token, "POST", "/api/bookings", { eventId, quantity: 2 }),
    await get(201, hall.at(0), person.token, "POST", "/api/bookings", { eventId }),
  ];
  await post(409, "sold_out", { eventId });
  await drop(403, "forbidden", mine.bookingId, other);
  await drop(404, "not_found", "BK-NOSUCHBOOKING");
  const back = await get(200, hall.at(1), person.token, "DELETE", `/api/bookings/${mine.bookingId}`);
  assert.deepEqual(back, { bookingId: mine.bookingId, availableSeats: 2 });
  await drop(404, "not_found", mine.bookingId);
  const byAdmin = await get(200, hall.at(1), admin.token, "DELETE", `/api/bookings/${second.bookingId}`);
  assert.deepEqual(byAdmin, { bookingId: second.bookingId, availableSeats: 3 });
});

test("events are made by admins and services, and read by everybody", async () => {
  const person = hall.person("Reader");
  const make = (token, body) => [hall.at(0), token, "POST", "/api/events", body];
  await refused(403, "forbidden", ...make(person.token, { title: "mine", totalSeats: 1 }));
  for (const body of [{}, { title: "x" }, { title: "", totalSeats: 1 }, { title: "x", totalSeats: -1 }, { title: "x", totalSeats: "many" }]) {
    await refused(422, "invalid_message", ...make(admin.token, body));
  }
  const service = hall.person("Service", { role: "service" });
  const made = await get(201, ...make(service.token, { title: "a talk", totalSeats: 7 }));
  assert.deepEqual(made, { id: made.id, title: "a talk", totalSeats: 7, availableSeats: 7 });
  assert.deepEqual(await get(200, hall.at(1), person.token, "GET", `/api/events/${made.id}`), made);
  const { events } = await get(200, hall.at(2), person.token, "GET", "/api/events");
  assert.deepEqual(events.find(({ id }) => id === made.id), made);
  await refused(404, "not_found", hall.at(0), person.token, "GET", "/api/events/987654321");
  await refused(401, "unauthorized", hall.at(0), null, "GET", "/api/events");
});

// The last ones: their gateways do not come back.
test("a gateway that books is killed in the middle: each booking is still told once, in order, and who comes back goes on", async (context) => {
  const eventId = await event(LOST_SEATS);
  const watching = await subscribers(eventId, [1, 2]);
  const [lost] = await subscribers(eventId, [0]);
  const pid = await cluster.pid(cluster.gateways[0].name);
  let killed = 0;
  const tell = (count) => {
    if (count !== Math.floor(LOST_SEATS / 2)) return;
    process.kill(pid, "SIGKILL");
    killed = Date.now();
  };
  const running = rush(eventId, [0, 1], 4 * LOST_SEATS, tell);
  await lost.closed;
  const back = await hall.watch(eventId, hall.person("Returned"), { node: 2 });
  const answers = await running;
  assert.ok(killed > 0);
  const bookings = await soldOut(eventId, LOST_SEATS, answers);
  for (const line of watching) await sawAll(line, bookings);
  context.diagnostic(`everything told ${Date.now() - killed} ms after the kill`);
  assert.deepEqual(seats(changes(lost)), falling(LOST_SEATS).slice(0, changes(lost).length));
  await eventually(() => seats(changes(back)).at(-1) === 0, "the last seat");
  assert.deepEqual(seats(changes(back)), falling(LOST_SEATS).slice(-changes(back).length));
  const [{ body }] = answers.filter(({ status }) => status === 201);
  await get(200, hall.at(1), admin.token, "DELETE", `/api/bookings/${body.bookingId}`);
  for (const line of [...watching, back]) {
    assert.equal((await line.next("booking_cancelled")).availableSeats, 1);
    const heard = changes(line).map(({ bookingId }) => bookingId);
    assert.equal(new Set(heard).size, heard.length);
  }
});

test("a gateway dies exactly between the commit of bookings and their publication: others tell them, each once", async () => {
  const [doomed, left] = [1, 2];
  const eventId = await event(20, left);
  const line = await hall.watch(eventId, hall.person("Eye"), { node: left });
  const person = hall.person("Unlucky");
  const book = (node) => get(201, hall.at(node), person.token, "POST", "/api/bookings", { eventId });
  const waiting = async () => Number((await cluster.query(`SELECT count(*) FROM outbox WHERE key = '${eventId}' AND published_at IS NULL`))[0][0]);
  const turn = await cluster.hold(`SELECT pg_advisory_lock(${OUTBOX_TURN})`);
  try {
    const made = [];
    for (let number = 0; number < 5; number += 1) made.push(await book(doomed));
    assert.equal(await waiting(), 5, "committed and not told");
    await within(kill(doomed), "the end of the gateway");
    // Those who are left look whether it is their turn all the time; it is not.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await waiting(), 5);
    assert.deepEqual(line.kept, []);
    turn.release();
    await eventually(() => changes(line).length >= 5, "what was committed");
    assert.deepEqual(changes(line).map(({ bookingId, availableSeats }) => ({ bookingId, availableSeats })), made);
    await eventually(async () => (await waiting()) === 0, "the outbox is empty");
    const next = await book(left);
    await eventually(() => changes(line).at(-1)?.bookingId === next.bookingId, "the next booking");
    assert.deepEqual(seats(changes(line)), [19, 18, 17, 16, 15, 14]);
  } finally {
    turn.release();
  }
});

test("changes that are told again, as by a gateway that died before it noted that they were told, are heard once", async () => {
  const node = 2;
  const eventId = await event(20, node);
  const line = await hall.watch(eventId, hall.person("Eye"), { node });
  const person = hall.person("Doubly");
  const book = () => get(201, hall.at(node), person.token, "POST", "/api/bookings", { eventId });
  const waiting = `SELECT 1 FROM outbox WHERE key = '${eventId}' AND published_at IS NULL`;
  for (let number = 0; number < 3; number += 1) await book();
  await eventually(() => changes(line).length >= 3, "the bookings");
  for (let round = 0; round < 3; round += 1) {
    await eventually(async () => (await cluster.query(waiting)).length === 0, "what was told is noted");
    await cluster.query(`UPDATE outbox SET published_at = NULL WHERE key = '${eventId}'`);
  }
  await eventually(async () => (await cluster.query(waiting)).length === 0, "all of it is told again");
  await book();
  await eventually(() => changes(line).length >= 4, "the next booking");
  assert.deepEqual(seats(changes(line)), [19, 18, 17, 16]);
});

/** Kills a gateway, and waits until it is dead. */
async function kill(node) {
  const pid = await cluster.pid(cluster.gateways[node].name);
  process.kill(pid, "SIGKILL");
  await eventually(async () => !(await get200(`${cluster.gateways[node].address}/healthz`)), "its silence");
}

const get200 = (url) => fetch(url).then(({ ok }) => ok, () => false);
