// What is done in rooms by the hub's door: every frame, every refusal, and clients of other doors beside it. A list of cases.

import assert from "node:assert/strict";
import { crowd, plain } from "./hub-door.mjs";
import { get } from "./http.mjs";
import { NOWHERE, TIME } from "./hub.mjs";
import { eventually } from "./program.mjs";

/** Two people on two nodes in one room. */
async function pair(hall, roomId = hall.room()) {
  const { people, lines } = await crowd(hall, 0, 1);
  for (const line of lines) await line.enter(roomId);
  return { people, lines, roomId };
}

/** Two people who share a chat, on two nodes. */
async function friends(hall) {
  const people = [await hall.known("Anna"), await hall.known("Ben")];
  const roomId = `chat:${await hall.chat(...people)}`;
  const lines = [await hall.hub(people[0]), await hall.hub(people[1], { node: 1 })];
  return { people, lines, roomId };
}

/** Says something and waits until all of these have heard it. */
async function heardBy(line, others, frame) {
  const { id, seq } = await line.tell({ type: "chat", ...frame });
  const heard = await Promise.all(others.map((other) => other.next("chat", { id })));
  for (const chat of heard) assert.deepEqual([chat.seq, chat.message], [seq, frame.message]);
  return heard[0];
}

export const room = {
  "join_room, chat and leave_room are as at the first door, with marks": async (hall) => {
    const { people, lines, roomId } = await pair(hall);
    const [a, b] = lines;
    const { id, seq } = await a.tell({ type: "chat", roomId, message: "hello", clientId: "c-1", messageType: "image" });
    for (const line of lines) {
      const heard = await line.next("chat");
      assert.deepEqual([heard.id, heard.seq], [id, seq]);
      const words = { type: "chat", roomId, message: "hello", clientId: "c-1", messageType: "image" };
      assert.deepEqual(plain(heard), { ...words, userId: people[0].id, username: "Guest-0" });
    }
    const reply = await heardBy(b, lines, { roomId, message: "hi", replyTo: id });
    assert.equal(reply.replyTo, id);
    assert.deepEqual(await b.answered("left", { type: "leave_room", room: roomId }), { roomId });
    assert.deepEqual(await b.answered("left", { type: "leave_room", roomId }), { roomId });
    await b.refused("not_in_room", { type: "chat", roomId, message: "from outside" });
    await heardBy(a, [a], { roomId, message: "alone" });
    await b.settle();
    assert.equal(b.pending("chat"), 0);
  },

  "joined has the page, with current texts and tombstones": async (hall) => {
    const { lines: [a, b], roomId } = await pair(hall);
    const [first, second] = [await heardBy(a, [a, b], { roomId, message: "one" }), await heardBy(a, [a, b], { roomId, message: "two" })];
    await a.tell({ type: "edit", roomId, id: second.id, message: "zwei" });
    await a.tell({ type: "delete", roomId, id: first.id });
    const { lines: [late] } = await crowd(hall, 2);
    const { history, seq, members } = await late.enter(roomId);
    assert.deepEqual([seq, members], [4, 3]);
    assert.deepEqual(history.map(({ id, message }) => [id, message]), [[first.id, undefined], [second.id, "zwei"]], JSON.stringify(history));
    assert.match(history[0].deletedAt, TIME);
  },

  "since brings what was missed, each with its kind; a chat has its current text": async (hall) => {
    const { lines: [a, b], roomId } = await pair(hall);
    const first = await heardBy(a, [a, b], { roomId, message: "one" });
    await b.answered("left", { type: "leave_room", roomId });
    const second = await heardBy(a, [a], { roomId, message: "two" });
    await a.tell({ type: "edit", roomId, id: second.id, message: "zwei" });
    await a.tell({ type: "react", roomId, id: first.id, emoji: "👍" });
    await a.tell({ type: "delete", roomId, id: first.id });
    const { history, ...joined } = await b.enter(roomId, { since: first.seq });
    assert.deepEqual([joined.roomId, joined.seq, joined.recovered, joined.members], [roomId, first.seq + 4, true, 2]);
    assert.deepEqual(history.map(({ type, seq }) => [type, seq - first.seq]), [["chat", 1], ["edited", 2], ["reaction", 3], ["deleted", 4]]);
    assert.equal(history[0].message, "zwei", "its current text");
  },

  "since above the head is not recovered; a page is 0 to 100 long": async (hall) => {
    const { lines: [a, b], roomId } = await pair(hall);
    await heardBy(a, [a, b], { roomId, message: "one" });
    await b.answered("left", { type: "leave_room", roomId });
    const above = await b.enter(roomId, { since: 900 });
    assert.deepEqual([above.recovered, above.seq, above.history.length], [false, 1, 1]);
    await b.answered("left", { type: "leave_room", roomId });
    assert.deepEqual((await b.enter(roomId, { history: 0 })).history, []);
    for (const history of [-1, 101, 1.5, "7"]) await b.refused("invalid_message", { type: "join_room", roomId, history });
  },

  "a room is called what the client called it; keys and names": async (hall) => {
    const number = Math.floor(Math.random() * 1e9);
    const { lines: [a, b, c] } = await crowd(hall, 0, 1, 2);
    assert.strictEqual((await a.enter(number)).roomId, number);
    assert.strictEqual((await b.enter(`${number}`)).roomId, `${number}`);
    assert.strictEqual((await c.enter(`room:${number}`)).roomId, `room:${number}`);
    await a.tell({ type: "chat", roomId: number, message: "one room" });
    for (const [line, roomId] of [[a, number], [b, `${number}`], [c, `room:${number}`]]) {
      assert.strictEqual((await line.next("chat")).roomId, roomId);
    }
    for (const roomId of ["user:x", "lobby:main", "a b", "", "ä", "x".repeat(129)]) {
      await a.refused("invalid_room", { type: "join_room", roomId });
    }
    const { lines: [d] } = await crowd(hall, 0);
    for (const roomId of [undefined, true, {}, [1]]) await d.refused("invalid_message", { type: "join_room", roomId });
    await d.refused("invalid_room", { type: "join_room", roomId: -1 });
    await d.refused("not_a_participant", { type: "join_room", roomId: "chat:987654321" });
  },

  "a chat is refused by its rules": async (hall) => {
    const { lines: [a], roomId } = await pair(hall);
    const refused = (code, fields) => a.refused(code, { type: "chat", roomId, ...fields });
    await refused("invalid_message", { message: " \n" });
    await refused("invalid_message", { message: 7 });
    await refused("invalid_message", { message: "a\u0000b" });
    await refused("invalid_message", { message: "x", clientId: "" });
    await refused("invalid_message", { message: "x", clientId: "c".repeat(65) });
    await refused("invalid_message", { message: "x", messageType: "nonsense" });
    await refused("too_large", { message: "x".repeat(8_193) });
    await refused("forbidden", { message: "x", messageType: "system" });
    await refused("not_in_room", { roomId: "elsewhere", message: "x" });
    await refused("invalid_room", { roomId: "user:x", message: "x" });
    await a.settle();
    assert.equal(a.pending("chat"), 0);
  },

  "a repeated clientId is acknowledged with the first one's numbers and heard once; stored follows": async (hall) => {
    const { lines: [a, b], roomId } = await pair(hall);
    const first = await heardBy(a, [a, b], { roomId, message: "once", clientId: "same" });
    const stored = await a.next("stored", { roomId });
    assert.deepEqual(stored, { type: "stored", roomId, epoch: 1, seq: first.seq });
    const again = await a.tell({ type: "chat", roomId, message: "otherwise", clientId: "same" });
    assert.deepEqual([again.id, again.seq], [first.id, first.seq]);
    assert.equal((await a.next("stored")).seq, first.seq, "at once");
    await heardBy(b, [a, b], { roomId, message: "next" });
    assert.deepEqual([a.pending("chat"), b.pending("chat"), b.pending("stored")], [0, 0, 0]);
  },

  "edit, delete and react change what everybody sees, for those who may": async (hall) => {
    const { people, lines, roomId } = await pair(hall);
    const [a, b] = lines;
    const { id } = await heardBy(a, lines, { roomId, message: "helo" });
    const edit = await a.tell({ type: "edit", roomId, id, message: "hello" });
    for (const line of lines) {
      const { epoch, editedAt, ...edited } = await line.next("edited");
      assert.match(editedAt, TIME);
      assert.deepEqual(edited, { type: "edited", roomId, id, message: "hello", userId: people[0].id, seq: edit.seq });
    }
    const react = await b.tell({ type: "react", roomId, id, emoji: "🎈" });
    const undo = await b.tell({ type: "react", roomId, id, emoji: "🎈", remove: true });
    for (const line of lines) {
      for (const [removed, { seq }] of [[false, react], [true, undo]]) {
        const { epoch, ...reaction } = await line.next("reaction");
        assert.deepEqual(reaction, { type: "reaction", roomId, id, userId: people[1].id, emoji: "🎈", removed, seq });
      }
    }
    await b.refused("forbidden", { type: "edit", roomId, id, message: "mine" });
    await b.refused("forbidden", { type: "delete", roomId, id });
    for (const type of ["edit", "delete", "react", "read"]) {
      const more = { edit: { message: "x" }, react: { emoji: "🎈" } }[type];
      await a.refused("not_found", { type, roomId, id: NOWHERE, ...more });
      await b.refused("not_in_room", { type, roomId: "elsewhere", id, ...more });
    }
    await a.refused("invalid_message", { type: "edit", roomId, id, message: "" });
    await b.refused("invalid_message", { type: "react", roomId, id });
    await b.refused("invalid_message", { type: "delete", roomId, id: true });
    const guard = await hall.hub(hall.person("Guard", { role: "moderator" }), { node: 2 });
    await guard.enter(roomId);
    const { seq } = await guard.tell({ type: "delete", roomId, id });
    for (const line of [...lines, guard]) {
      const { epoch, deletedAt, ...deleted } = await line.next("deleted");
      assert.deepEqual(deleted, { type: "deleted", roomId, id, userId: guard.welcome.userId, seq });
    }
  },

  "read tells everybody in a chat, forwards only": async (hall) => {
    const { people, lines, roomId } = await friends(hall);
    const [a, b] = lines;
    for (const line of lines) await line.enter(roomId);
    const [one, two] = [await heardBy(a, lines, { roomId, message: "one" }), await heardBy(a, lines, { roomId, message: "two" })];
    assert.deepEqual(await b.tell({ type: "read", roomId, id: two.id }), {});
    assert.deepEqual(await a.next("read"), { type: "read", roomId, id: two.id, userId: people[1].id });
    await b.tell({ type: "read", roomId, id: one.id });
    const three = await heardBy(a, lines, { roomId, message: "three" });
    await b.tell({ type: "read", roomId, id: three.id });
    assert.equal((await a.next("read")).id, three.id, "the older one moved nothing");
    const rows = `SELECT count(*) FROM message_reads WHERE message_id = '${three.id}' AND user_id = '${people[1].id}'`;
    await eventually(async () => (await hall.cluster.query(rows))[0][0] === "1", "the row of the receipt");
  },

  "typing is shown to the others, and stops by itself or with its connection": async (hall) => {
    const { people, lines: [a, b], roomId } = await pair(hall);
    const shown = (active, where = roomId) => ({ type: "typing", roomId: where, userId: people[0].id, username: "Guest-0", active });
    const began = Date.now();
    assert.deepEqual(await a.tell({ type: "typing", roomId, active: true }), {});
    assert.deepEqual(await b.next("typing"), shown(true));
    assert.deepEqual(await b.next("typing"), shown(false), "by itself");
    assert.ok(Date.now() - began >= 5_500 && Date.now() - began < 10_000, `${Date.now() - began} ms`);
    await a.tell({ type: "typing", active: true });
    assert.deepEqual(await b.next("typing"), shown(true, "lobby"), "the lobby");
    await a.tell({ type: "typing", active: false });
    assert.deepEqual(await b.next("typing"), shown(false, "lobby"));
    await a.refused("invalid_message", { type: "typing", roomId });
    await a.refused("not_in_room", { type: "typing", roomId: "elsewhere", active: true });
    await a.tell({ type: "typing", roomId, active: true });
    assert.deepEqual(await b.next("typing"), shown(true));
    await a.settle();
    assert.equal(a.pending("typing"), 0);
    a.break();
    assert.equal((await b.next("typing", {}, 3_000)).active, false);
  },

  "history is read page by page, with edits and tombstones": async (hall) => {
    const { people, lines: [a, b], roomId } = await pair(hall);
    const made = [];
    for (let number = 1; number <= 25; number += 1) made.push(await a.tell({ type: "chat", roomId, message: `${number}` }));
    await a.tell({ type: "edit", roomId, id: made[23].id, message: "edited" });
    await a.tell({ type: "delete", roomId, id: made[24].id });
    // Nobody need be in the room.
    const outside = await hall.hub(hall.person("Reader"), { node: 2 });
    const pages = [];
    for (let before; ; ) {
      const { roomId: named, messages, nextBefore, ...rest } = await outside.answered("history", { type: "history", roomId, limit: 10, before });
      assert.deepEqual([named, rest], [roomId, {}]);
      pages.unshift(messages);
      if (nextBefore === undefined) break;
      assert.equal(nextBefore, messages[0].seq);
      before = nextBefore;
    }
    assert.deepEqual(pages.map(({ length }) => length), [5, 10, 10]);
    const all = pages.flat();
    assert.deepEqual(all.map(({ id }) => id), made.map(({ id }) => id));
    assert.deepEqual(all.map(({ seq }) => seq), made.map(({ seq }) => seq));
    assert.deepEqual([all[0].message, all[0].userId, all[23].message], ["1", people[0].id, "edited"]);
    assert.ok(all[24].message === undefined && TIME.test(all[24].deletedAt), JSON.stringify(all[24]));
    assert.equal((await b.answered("history", { type: "history", roomId })).messages.length, 25, "50 by default");
    for (const more of [{ limit: 0 }, { limit: 101 }, { limit: "x" }, { before: -1 }, { before: "x" }]) {
      await b.refused("invalid_message", { type: "history", roomId, ...more });
    }
    await b.tell({ type: "chat", message: "in the lobby" });
    const lobby = await b.answered("history", { type: "history", roomId: "lobby", limit: 1 });
    assert.deepEqual([lobby.roomId, lobby.messages[0].message], ["lobby", "in the lobby"]);
    assert.deepEqual((await b.answered("history", { type: "history", roomId: hall.room() })).messages, []);
  },

  "a page reaches behind what it does not show, also while nothing of it is in the database": async (hall) => {
    const { people: [, reader], lines: [a, b] } = await crowd(hall, 0, 1);
    const roomId = hall.room();
    await a.enter(roomId);
    const workers = await Promise.all(["persister-1", "persister-2"].map((name) => hall.cluster.pid(name)));
    try {
      workers.forEach((pid) => process.kill(pid, "SIGSTOP"));
      const made = [];
      for (let number = 1; number <= 5; number += 1) made.push(await a.tell({ type: "chat", roomId, message: `${number}` }));
      await Promise.all([..."abcdefghijklmnop"].map((emoji) => a.tell({ type: "react", roomId, id: made[0].id, emoji })));
      const page = await b.answered("history", { type: "history", roomId, limit: 10 });
      const joined = await b.enter(roomId, { history: 10 });
      const { messages } = await get(200, hall.at(2), reader.token, "GET", `/api/rooms/room:${roomId}/messages?limit=10`);
      const seqs = (list) => list.map(({ seq }) => seq);
      assert.deepEqual([page.messages, joined.history, messages].map(seqs), Array(3).fill(seqs(made)));
      assert.equal(page.nextBefore, undefined);
    } finally {
      workers.forEach((pid) => process.kill(pid, "SIGCONT"));
    }
  },

  "history of a chat is for its participants, and an event has none": async (hall) => {
    const { lines: [a], roomId } = await friends(hall);
    await a.enter(roomId);
    await heardBy(a, [a], { roomId, message: "between us" });
    assert.equal((await a.answered("history", { type: "history", roomId, limit: 1 })).messages[0].message, "between us");
    const { lines: [stranger] } = await crowd(hall, 2);
    await stranger.refused("not_a_participant", { type: "history", roomId, limit: 1 });
    await stranger.refused("not_a_participant", { type: "join_room", roomId });
    await stranger.refused("not_found", { type: "history", roomId: "event:1", limit: 1 });
    await stranger.refused("invalid_room", { type: "history", roomId: "user:x", limit: 1 });
  },

  "signal goes to every connection of somebody who shares a chat": async (hall) => {
    const { people, lines: [a, b] } = await friends(hall);
    const [anna, ben] = people;
    const twin = await hall.hub(ben, { node: 2 });
    const socket = await hall.io(ben);
    const data = { sdp: "v=0", nested: [1, null] };
    for (const kind of ["offer", "answer", "ice", "hangup", "ring"]) {
      assert.deepEqual(await a.tell({ type: "signal", to: ben.id, kind, data }), {});
      for (const line of [b, twin]) assert.deepEqual(await line.next("signal"), { type: "signal", from: anna.id, kind, data });
      assert.deepEqual(await socket.next("call:signal"), { from: anna.id, kind, data });
    }
    await socket.tell("call:signal", { to: anna.id, kind: "ring", data });
    assert.equal((await a.next("signal")).from, ben.id);
    const { people: [stranger], lines: [c] } = await crowd(hall, 0);
    await c.refused("forbidden", { type: "signal", to: ben.id, kind: "ring", data });
    await a.refused("forbidden", { type: "signal", to: stranger.id, kind: "ring", data });
    await a.refused("invalid_message", { type: "signal", to: ben.id, kind: "nonsense", data });
    await a.refused("invalid_message", { type: "signal", kind: "ring", data });
  },

  "clients of three doors in one room read each other": async (hall) => {
    const number = Math.floor(Math.random() * 1e9);
    const [hubber, roomer, liver] = [await hall.known("Hub"), await hall.known("Raw"), await hall.known("Live")];
    const [hub, raw, live] = [await hall.hub(hubber), await hall.rooms(roomer, { node: 1 }), await hall.io(liver, { node: 2 })];
    await hub.enter(number);
    raw.send({ type: "join_room", roomId: `${number}` });
    await raw.next("joined");
    await live.tell("join_room", { roomId: number });
    const said = [
      [hubber, "from the hub", () => hub.tell({ type: "chat", roomId: number, message: "from the hub" })],
      [roomer, "from the first door", () => raw.send({ type: "chat", roomId: `${number}`, message: "from the first door" })],
      [liver, "from Socket.IO", () => live.tell("send_message", { roomId: number, text: "from Socket.IO", mood: "fine" })],
    ];
    for (const [{ id, username }, text, say] of said) {
      await say();
      const [one, two, three] = [await hub.next("chat"), await raw.next("chat"), await live.next("receive_message")];
      assert.deepEqual(plain(one), { type: "chat", roomId: number, message: text, userId: id, username });
      assert.deepEqual(plain(two), { type: "chat", roomId: `${number}`, message: text, userId: id, username });
      assert.deepEqual([three.roomId, three.text, three.userId, three.username], [number, text, id, username]);
      assert.deepEqual([two.id, two.seq, two.sentAt], [one.id, one.seq, one.sentAt]);
      assert.deepEqual([three.id, three.seq, three.sentAt], [one.id, one.seq, one.sentAt]);
    }
    // The first door sends nothing that its client did not cause.
    raw.send({ type: "leave_room", roomId: `${number}` });
    await raw.next("left");
    assert.deepEqual(raw.kept, []);
  },

  "the first door knows nothing of the hub's frames": async (hall) => {
    const raw = await hall.rooms(hall.person("Old"));
    for (const type of ["typing", "history", "get_users", "get_stats", "announce", "edit", "signal"]) {
      raw.send({ type, roomId: "x", active: true, limit: 1, scope: "all", message: "x" });
      assert.equal((await raw.next("error")).code, "unknown_type", type);
    }
  },

  "an event's room at the hub hears of bookings, and nobody talks in it": async (hall) => {
    const { lines: [a] } = await crowd(hall, 1);
    const { roomId } = await a.enter("event:4711", { history: 0 });
    assert.equal(roomId, "event:4711");
    await a.refused("forbidden", { type: "chat", roomId: "event:4711", message: "x" });
  },
};
