// What clients of live rooms do and hear, alone and beside raw WebSocket clients. A list of cases.

import assert from "node:assert/strict";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Two people on two nodes, and a room that nobody is in yet. */
async function pair(scene) {
  const [alice, bob] = await Promise.all([scene.person("Alice"), scene.person("Bob")]);
  const [a, b] = await scene.apart(alice, bob);
  return { alice, bob, a, b, roomId: scene.room() };
}

/** Says something and waits until all of these have heard it as their next message. */
async function heardBy(sender, sockets, data) {
  const { id, seq } = await sender.tell("send_message", data);
  const heard = await Promise.all(sockets.map((socket) => socket.next("receive_message")));
  for (const message of heard) assert.deepEqual([message.id, message.seq, message.text], [id, seq, data.text]);
  return heard[0];
}

const people = ({ members }) => members.map(({ userId }) => userId).sort();

export const live = {
  "join_room takes a number, a text or an object, and answers in the same form": async (scene) => {
    const { a, b, roomId } = await pair(scene);
    const text = `${roomId}`;
    for (const [argument, form] of [[roomId, roomId], [text, text], [{ roomId }, roomId], [{ roomId: text }, text]]) {
      const { members, ...joined } = await a.tell("join_room", argument);
      assert.deepEqual([joined.roomId, joined.seq, joined.epoch, members], [form, 0, 1, 1]);
      assert.strictEqual((await a.until("room_members", (shown) => shown.roomId === form)).count, 1);
    }
    assert.equal((await b.tell("join_room", roomId)).members, 2);
    await a.tell("send_message", { roomId, text: "one room" });
    assert.strictEqual((await a.next("receive_message")).roomId, text, "the last type wins");
    assert.strictEqual((await b.next("receive_message")).roomId, roomId);
  },

  "receive_message carries the client's own fields and ours, to the sender as well": async (scene) => {
    const { alice, a, b, roomId } = await pair(scene);
    for (const socket of [a, b]) await socket.tell("join_room", roomId);
    const extra = { mood: "good", tags: ["x", 1, null], nested: { deep: { er: true } }, big: 12345678901, fraction: 0.5 };
    await a.tell("send_message", { roomId, text: "hello", ...extra, userId: "somebody else", seq: 99, id: "mine" });
    for (const socket of [a, b]) {
      const { id, sentAt, epoch, ...rest } = await socket.next("receive_message");
      assert.match(id, /^[0-9a-f-]{36}$/);
      assert.match(sentAt, TIME);
      assert.equal(epoch, 1);
      assert.deepEqual(rest, { ...extra, roomId, text: "hello", userId: alice.id, username: "Alice", seq: 1 });
    }
  },

  "joining another room leaves the one before, and no chat": async (scene) => {
    const { alice, bob, a, b, roomId } = await pair(scene);
    const chatId = await scene.chat(alice, bob);
    const other = scene.room();
    for (const socket of [a, b]) await socket.tell("chat:join", { chatId });
    for (const socket of [a, b]) await socket.tell("join_room", roomId);
    await a.until("room_members", ({ count }) => count === 2);
    await b.tell("join_room", { roomId: other });
    assert.deepEqual(people(await a.until("room_members", ({ count }) => count === 1)), [alice.id]);
    await b.refused("not_in_room", "send_message", { roomId, text: "a ghost?" });
    await heardBy(a, [a], { roomId, text: "are you a ghost?" });
    await heardBy(b, [b], { roomId: other, text: "no" });
    await a.tell("message:send", { chatId, content: "in the chat" });
    for (const socket of [a, b]) assert.equal((await socket.next("message:new")).content, "in the chat");
  },

  "leave_room takes every form; leaving what was not joined is fine": async (scene) => {
    const { a, b, roomId } = await pair(scene);
    await a.tell("join_room", roomId);
    for (const argument of [roomId, `${roomId}`, { roomId }, { roomId: `${roomId}` }]) {
      await b.tell("join_room", roomId);
      await b.tell("leave_room", argument);
      await b.refused("not_in_room", "send_message", { roomId, text: "outside" });
      await b.tell("leave_room", argument);
    }
    await heardBy(a, [a], { roomId, text: "inside" });
    assert.equal(b.pending("receive_message"), 0);
  },

  "room_members tells of users, not of connections, on any node and however they go": async (scene) => {
    const { alice, bob, a, b, roomId } = await pair(scene);
    const second = await scene.connect(bob, { apart: b });
    await a.tell("join_room", roomId);
    const alone = await a.until("room_members", ({ count }) => count === 1);
    assert.deepEqual(alone, { roomId, members: [{ userId: alice.id, username: "Alice" }], count: 1 });
    await b.tell("join_room", roomId);
    for (const socket of [a, b]) {
      const both = await socket.until("room_members", ({ count }) => count === 2);
      assert.deepEqual(people(both), [alice.id, bob.id].sort());
    }
    const joined = await second.tell("join_room", roomId);
    assert.equal(joined.members, 2, "a user counts once");
    b.leave();
    await second.until("room_members", ({ count }) => count === 2);
    second.leave();
    assert.deepEqual(people(await a.until("room_members", ({ count }) => count === 1)), [alice.id]);
  },

  "a socket that breaks off leaves its room": async (scene) => {
    const { alice, a, b, roomId } = await pair(scene);
    for (const socket of [a, b]) await socket.tell("join_room", roomId);
    await a.until("room_members", ({ count }) => count === 2);
    b.socket.io.reconnection(false);
    b.socket.io.engine.close();
    assert.deepEqual(people(await a.until("room_members", ({ count }) => count === 1)), [alice.id]);
  },

  "join_room with since brings what was missed, in order, and then the acknowledgement": async (scene) => {
    const { a, b, roomId } = await pair(scene);
    for (const socket of [a, b]) await socket.tell("join_room", roomId);
    await heardBy(a, [a, b], { roomId, text: "one" });
    await b.tell("leave_room", roomId);
    for (const text of ["two", "three"]) await heardBy(a, [a], { roomId, text, mood: "missed" });
    const joined = await b.tell("join_room", { roomId, since: 1, epoch: 1 });
    assert.deepEqual([joined.seq, joined.epoch, joined.recovered, joined.members], [3, 1, true, 2]);
    assert.equal(b.pending("receive_message"), 2, "before the acknowledgement");
    for (const text of ["two", "three"]) {
      const message = await b.next("receive_message");
      assert.deepEqual([message.text, message.mood], [text, "missed"]);
    }
    await heardBy(a, [a, b], { roomId, text: "four" });
  },

  "a clientId makes a message repeatable and tells when it is stored": async (scene) => {
    const { a, b, roomId } = await pair(scene);
    for (const socket of [a, b]) await socket.tell("join_room", roomId);
    const first = await heardBy(a, [a, b], { roomId, text: "once", clientId: "c-1" });
    assert.equal(first.clientId, "c-1");
    assert.deepEqual(await a.next("stored"), { roomId, epoch: 1, seq: 1 });
    const again = await a.tell("send_message", { roomId, text: "otherwise", clientId: "c-1" });
    assert.deepEqual([again.id, again.seq], [first.id, 1]);
    await heardBy(b, [a, b], { roomId, text: "next" });
    assert.equal(b.pending("stored"), 0);
  },

  "a raw WebSocket client in the same room hears what is said, and is heard": async (scene) => {
    const { alice, bob, a, b, roomId } = await pair(scene);
    const carol = await scene.person("Carol");
    const raw = await scene.raw(carol);
    await raw.join(`${roomId}`);
    for (const socket of [a, b]) await socket.tell("join_room", roomId);
    const said = await heardBy(a, [a, b], { roomId, text: "to all doors", mood: "open", clientId: "d-1" });
    const { epoch, ...frame } = await raw.next();
    const common = { id: said.id, seq: 1, sentAt: said.sentAt, clientId: "d-1" };
    const expected = { type: "chat", roomId: `${roomId}`, message: "to all doors", userId: alice.id, username: "Alice" };
    assert.deepEqual(frame, { ...expected, ...common }, `epoch ${epoch}`);
    const own = await raw.tell(`${roomId}`, "from the raw door", { clientId: "r-1" });
    for (const socket of [a, b]) {
      const { epoch: ignored, ...heard } = await socket.next("receive_message");
      const { id, seq, sentAt } = own;
      const words = { roomId, text: "from the raw door", userId: carol.id, username: "Carol", clientId: "r-1" };
      assert.deepEqual(heard, { ...words, id, seq, sentAt }, `epoch ${ignored}`);
    }
    const all = [alice.id, bob.id, carol.id].sort();
    assert.deepEqual(people(await a.until("room_members", ({ count }) => count === 3)), all);
    raw.send({ type: "leave_room", roomId: `${roomId}` });
    assert.equal((await raw.next()).type, "left");
    assert.deepEqual(people(await a.until("room_members", ({ count }) => count === 2)), all.filter((id) => id !== carol.id));
  },

  "history of a room over HTTP shows the client's own fields as extra": async (scene) => {
    const { alice, a, roomId } = await pair(scene);
    await a.tell("join_room", roomId);
    const said = await heardBy(a, [a], { roomId, text: "kept", mood: "calm" });
    const { messages } = await scene.http(alice, "GET", `/api/rooms/room:${roomId}/messages`);
    assert.deepEqual(messages.map(({ id, message, extra }) => ({ id, message, extra })), [{ id: said.id, message: "kept", extra: { mood: "calm" } }]);
    const { members, count } = await scene.http(alice, "GET", `/api/rooms/room:${roomId}/members`);
    assert.deepEqual([members, count], [[{ userId: alice.id, username: "Alice" }], 1]);
  },
};
