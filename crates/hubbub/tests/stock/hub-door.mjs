// The hub's door, its lobby and its marks: how one comes in, what is refused and how one is put out. A list of cases.

import assert from "node:assert/strict";
import { TIME, UUID } from "./hub.mjs";
import { turnedAway } from "./http.mjs";
import { inSeconds } from "./socketio.mjs";

/** A hub connection of somebody new on each of these nodes. */
export async function crowd(hall, ...nodes) {
  const people = nodes.map((node, number) => hall.person(`Guest-${number}`));
  return { people, lines: await Promise.all(people.map((person, number) => hall.hub(person, { node: nodes[number] }))) };
}

/** What frames look like without what differs from run to run. */
export function plain({ id, seq, epoch, sentAt, ...rest }) {
  assert.match(id, UUID);
  assert.ok(Number.isInteger(seq) && seq > 0, `${seq}`);
  assert.match(sentAt, TIME);
  return rest;
}

export const door = {
  "a missing or bad token is answered with 401 before the upgrade": async (hall) => {
    const { host } = new URL(hall.at(0));
    const late = hall.person("Late", { exp: inSeconds(-60) }).token;
    for (const query of ["", "?token=", "?token=x.y.z", `?token=${late}`]) {
      const { status, body } = await turnedAway(`ws://${host}/ws${query}`);
      assert.deepEqual([status, body.status, body.code], [401, 401, query.includes(late) ? body.code : "unauthorized"], query);
    }
  },

  "the token may come in a header, a cookie or a subprotocol; a cookie only from our own origin": async (hall) => {
    const { id, token } = hall.person("Carrier");
    const { host } = new URL(hall.at(0));
    const header = hall.dial(undefined, { headers: { authorization: `Bearer ${token}` } });
    const bearer = hall.dial(undefined, { protocols: ["hubbub.bearer", token] });
    const cookie = { cookie: `token=${token}` };
    const own = hall.dial(undefined, { headers: { ...cookie, origin: `http://${host}` } });
    for (const line of [header, bearer, own]) assert.equal((await line.next("welcome")).userId, id);
    assert.equal(bearer.socket.protocol, "hubbub.bearer");
    for (const origin of ["http://elsewhere.example", "null", `https://${host}`]) {
      assert.equal((await turnedAway(`ws://${host}/ws`, { ...cookie, origin })).status, 403, origin);
    }
  },

  "welcome says who one is, who is there and what one may do": async (hall) => {
    const [one, two] = [hall.person("One"), hall.person("Two", { userId: 4_711_000 + Math.floor(Math.random() * 1e6) })];
    const first = await hall.hub(one, { node: 1 });
    await hall.hub(one, { node: 2 });
    const { type, connectionId, userId, users, limits, serverTime } = (await hall.hub(two)).welcome;
    assert.strictEqual(userId, two.id, "in the type of the token");
    assert.equal(typeof connectionId, "string");
    assert.notEqual(connectionId, first.welcome.connectionId);
    assert.match(serverTime, TIME);
    assert.ok(limits && typeof limits === "object", JSON.stringify(limits));
    const shown = (id) => users.find((user) => user.userId === id);
    assert.deepEqual(shown(one.id), { userId: one.id, username: "One", connections: 2 }, JSON.stringify({ type, users }));
    assert.deepEqual(shown(two.id), { userId: two.id, username: "Two", connections: 1 });
  },

  "what is said without a room is heard in the lobby by everybody but the socket that said it": async (hall) => {
    const { people, lines } = await crowd(hall, 0, 1, 2);
    const twin = await hall.hub(people[0], { node: 0 });
    const { id, seq } = await lines[0].tell({ type: "chat", message: "  good morning 🎈 ", clientId: "lobby-1" });
    for (const line of [twin, lines[1], lines[2]]) {
      const heard = await line.next("chat");
      assert.deepEqual([heard.id, heard.seq], [id, seq]);
      const words = { type: "chat", roomId: "lobby", message: "  good morning 🎈 ", clientId: "lobby-1" };
      assert.deepEqual(plain(heard), { ...words, userId: people[0].id, username: "Guest-0" });
    }
    const named = await lines[1].tell({ type: "chat", roomId: "lobby", message: "by its name" });
    assert.equal(named.seq, seq + 1);
    assert.equal((await lines[0].next("chat")).message, "by its name");
    assert.deepEqual(lines[0].pending("chat"), 0);
  },

  "a frame that is not JSON is a lobby message; JSON that is no object is none": async (hall) => {
    const { lines } = await crowd(hall, 0, 1);
    for (const text of ["hello there", "{ not json", "Ünïcödé"]) {
      lines[0].send(text);
      const { id } = await lines[0].next("ack");
      const heard = await lines[1].next("chat");
      assert.deepEqual([heard.id, heard.roomId, heard.message], [id, "lobby", text]);
    }
    for (const text of ["[1]", '"text"', "7", "null", "true"]) {
      lines[0].send(text);
      assert.equal((await lines[0].next("error")).code, "invalid_message", text);
    }
    lines[0].send("   ");
    assert.equal((await lines[0].next("error")).code, "invalid_message", "an empty text");
    await lines[0].settle();
    assert.equal(lines[1].pending("chat"), 0);
  },

  "ref comes back as it was sent; without one there is none": async (hall) => {
    const { lines: [line] } = await crowd(hall, 0);
    for (const ref of [7, "seven", 0, "", 1.5]) {
      line.send({ type: "ping", ref });
      assert.strictEqual((await line.next("pong")).ref, ref);
      line.send({ type: "chat", message: "marked", ref });
      const ack = await line.next("ack");
      assert.strictEqual(ack.ref, ref);
      assert.match(ack.id, UUID);
      line.send({ type: "nonsense", ref });
      assert.deepEqual((({ ref, code }) => ({ ref, code }))(await line.next("error")), { ref, code: "unknown_type" });
    }
    line.send({ type: "ping" });
    assert.ok(!("ref" in (await line.next("pong"))));
    line.send({ type: "chat", message: "unmarked" });
    const { type, id, seq, epoch, ...rest } = await line.next("ack");
    assert.deepEqual([type, typeof id, typeof seq, epoch, rest], ["ack", "string", "number", 1, {}]);
  },

  "ping is answered with the time": async (hall) => {
    const { lines: [line] } = await crowd(hall, 0);
    const { timestamp, ...rest } = await line.answered("pong", { type: "ping" });
    assert.match(timestamp, TIME);
    assert.deepEqual(rest, {});
  },

  "bytes that are JSON are a frame; others are invalid_message; a text that is not UTF-8 ends with 1007": async (hall) => {
    const { lines: [line] } = await crowd(hall, 0);
    line.send(Buffer.from(JSON.stringify({ type: "ping", ref: "bytes" })));
    assert.equal((await line.next("pong")).ref, "bytes");
    line.send(Buffer.from([0xff, 0xfe, 0x00]));
    assert.equal((await line.next("error")).code, "invalid_message");
    await line.settle();
    line.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    await line.ends(1007);
  },

  "the tenth bad frame within a minute ends with 4500, after its error": async (hall) => {
    const { lines: [line] } = await crowd(hall, 0);
    for (const text of ["[]", "{}", '{"type":7}', '{"type":"chat"}', '{"type":"nonsense"}', "1", "2", "3", "4"]) line.send(text);
    await line.settle();
    assert.equal(line.pending("error"), 9);
    line.send("5");
    await line.ends(4500);
    assert.equal(line.pending("error"), 10);
  },

  "a token's end is told ahead and closes with 4401; a fresh one is taken on the open connection": async (hall) => {
    const person = hall.person("Brief", { exp: inSeconds(3) });
    const [line, other] = [await hall.hub(person), await hall.hub(person, { node: 1 })];
    const { inMs } = await line.next("token_expiring");
    assert.ok(inMs > 0 && inMs <= 3_500, `${inMs}`);
    const stranger = hall.person("Stranger");
    const wrong = await line.ask({ type: "refresh", token: stranger.token });
    assert.equal(wrong.type, "error", "somebody else's token");
    assert.equal((await line.ask({ type: "refresh", token: "x.y.z" })).type, "error");
    const fresh = hall.person("Brief", { userId: person.id, exp: inSeconds(7) });
    assert.deepEqual(await line.tell({ type: "refresh", token: fresh.token }), {});
    await other.ends(4401, "token_expired", 12_000);
    await line.settle();
    assert.ok((await line.next("token_expiring")).inMs <= 7_000);
    await line.ends(4401, "token_expired", 12_000);
  },

  "a token that lists rooms enters no other room, but the lobby": async (hall) => {
    const [mine, other] = [hall.room(), hall.room()];
    const line = await hall.hub(hall.person("Narrow", { rooms: [`room:${mine}`] }));
    await line.enter(mine);
    await line.refused("forbidden", { type: "join_room", roomId: other });
    await line.refused("forbidden", { type: "history", roomId: other, limit: 1 });
    await line.tell({ type: "chat", message: "everybody may" });
  },

  "join_room of the lobby brings what was missed in it": async (hall) => {
    const { lines: [line, other] } = await crowd(hall, 0, 1);
    const { seq, epoch } = await line.enter("lobby", { history: 0 });
    await other.tell({ type: "chat", message: "one" });
    await line.next("chat");
    const { history, recovered } = await line.enter("lobby", { since: seq, epoch });
    assert.equal(recovered, true);
    assert.deepEqual(history.map(({ roomId, message }) => [roomId, message]).slice(0, 1), [["lobby", "one"]].slice(0, history.length));
  },
};
