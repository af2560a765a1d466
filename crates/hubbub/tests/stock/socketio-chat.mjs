// What clients of chats do and hear: every event of that vocabulary. A list of cases, each a sentence and a function.

import assert from "node:assert/strict";
import { eventually } from "./program.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const NOWHERE = "018f0000-0000-7000-8000-000000000000";

/** Sends a message and waits until all of these have heard it as their next one; returns what they heard. */
async function heardBy(sender, sockets, data) {
  const { id, seq } = await sender.tell("message:send", data);
  const heard = await Promise.all(sockets.map((socket) => socket.next("message:new")));
  for (const message of heard) {
    assert.deepEqual([message.id, message.seq, message.content], [id, seq, data.content]);
    assert.deepEqual(message, heard[0]);
  }
  return heard[0];
}

export const chat = {
  "message:new has every field and reaches every participant's sockets, the sender's included": async (scene) => {
    const { alice, a, b, chatId } = await scene.talk();
    const second = await scene.connect(alice, { apart: a });
    const message = await heardBy(a, [a, b, second], { chatId, content: "hello", clientId: "c-1", messageType: "text" });
    const { id, created_at, epoch, ...rest } = message;
    assert.match(id, UUID);
    assert.match(created_at, TIME);
    assert.equal(epoch, 1);
    const sender = { id: alice.id, username: "Alice" };
    const expected = { chat_id: chatId, content: "hello", message_type: "text", sender, seq: 1, client_id: "c-1", attachments: [] };
    assert.deepEqual(rest, expected);
    const plain = await heardBy(b, [b, a, second], { chatId, content: "  and\nback 🎈 " });
    assert.ok(!("client_id" in plain) && !("reply_to" in plain));
    assert.equal(plain.seq, 2);
  },

  "an event without a callback takes effect as well": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    a.say("message:send", { chatId, content: "no callback" });
    for (const socket of [a, b]) assert.equal((await socket.next("message:new")).content, "no callback");
  },

  "messages come to everybody in one order, the order of their numbers": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    const count = 20;
    for (let number = 1; number <= count; number++) {
      for (const socket of [a, b]) socket.say("message:send", { chatId, content: `${number}` });
    }
    for (let number = 1; number <= 2 * count; number++) {
      const [one, other] = await Promise.all([a, b].map((socket) => socket.next("message:new")));
      assert.deepEqual(one, other);
      assert.equal(one.seq, number);
    }
  },

  "a repeated clientId is acknowledged with the first message's numbers and heard once": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    const first = await a.tell("message:send", { chatId, content: "once", clientId: "same" });
    const again = await a.tell("message:send", { chatId, content: "otherwise", clientId: "same" });
    assert.deepEqual([again.id, again.seq], [first.id, first.seq]);
    assert.deepEqual((await b.tell("message:send", { chatId, content: "mine", clientId: "same" })).seq, 2);
    for (const socket of [a, b]) {
      const heard = [await socket.next("message:new"), await socket.next("message:new")];
      assert.deepEqual(heard.map(({ content }) => content), ["once", "mine"]);
    }
  },

  "a reply and a type are told, and a type for services is not for users": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    const { id } = await heardBy(a, [a, b], { chatId, content: "first" });
    const reply = await heardBy(b, [a, b], { chatId, content: "second", replyTo: id, messageType: "image" });
    assert.deepEqual([reply.reply_to, reply.message_type], [id, "image"]);
    await a.refused("forbidden", "message:send", { chatId, content: "x", messageType: "system" });
  },

  "stored follows what was sent with a clientId": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    const { seq } = await a.tell("message:send", { chatId, content: "keep this", clientId: "outbox-1" });
    const stored = await a.until("stored", (mark) => mark.seq >= seq);
    assert.deepEqual(stored, { chatId, epoch: 1, seq });
    const rows = await scene.cluster.query(`SELECT seq FROM messages WHERE room = 'chat:${chatId}'`);
    assert.deepEqual(rows, [[`${seq}`]]);
    assert.equal(b.pending("stored"), 0);
    await a.tell("message:send", { chatId, content: "keep this", clientId: "outbox-1" });
    assert.equal((await a.next("stored")).seq, seq, "a repeat is told at once");
  },

  "chat:leave ends the live room and not the membership; chat:join begins it again": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    await b.tell("chat:leave", { chatId });
    await a.tell("message:send", { chatId, content: "behind your back" });
    await a.next("message:new");
    const joined = await b.tell("chat:join", { chatId });
    assert.deepEqual([joined.seq, joined.epoch], [1, 1]);
    const message = await heardBy(a, [a, b], { chatId, content: "to your face" });
    assert.equal(message.seq, 2);
  },

  "chat:join with since brings what was missed, in order, and then the acknowledgement": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    await b.tell("chat:leave", { chatId });
    for (const content of ["one", "two", "three"]) await heardBy(a, [a], { chatId, content });
    const joined = await b.tell("chat:join", { chatId, since: 1 });
    assert.deepEqual([joined.seq, joined.epoch, joined.recovered], [3, 1, true]);
    assert.equal(b.pending("message:new"), 2, "before the acknowledgement");
    for (const content of ["two", "three"]) assert.equal((await b.next("message:new")).content, content);
    await heardBy(a, [a, b], { chatId, content: "four" });
    const above = await b.tell("chat:join", { chatId, since: 900 });
    assert.equal(above.recovered, false);
  },

  "message:read tells all participants, moves forward only and is kept": async (scene) => {
    const { bob, a, b, chatId } = await scene.talk();
    const second = await scene.connect(bob, { apart: b });
    const one = await heardBy(a, [a, b, second], { chatId, content: "one" });
    const two = await heardBy(a, [a, b, second], { chatId, content: "two" });
    await b.tell("message:read", { chatId, messageId: two.id });
    for (const socket of [a, second]) {
      assert.deepEqual(await socket.next("message:read"), { messageId: two.id, userId: bob.id, chatId });
    }
    await b.tell("message:read", { chatId, messageId: one.id });
    const three = await heardBy(a, [a, b, second], { chatId, content: "three" });
    await b.tell("message:read", { chatId, messageId: three.id });
    assert.equal((await a.next("message:read")).messageId, three.id, "the older one moved nothing");
    await b.refused("not_found", "message:read", { chatId, messageId: NOWHERE });
    const rows = `SELECT count(*) FROM message_reads WHERE message_id = '${three.id}' AND user_id = '${bob.id}'`;
    await eventually(async () => (await scene.cluster.query(rows))[0][0] === "1", "the row of the receipt");
    const { participants } = await scene.http(bob, "GET", `/api/chats/${chatId}`);
    assert.match(participants.find(({ userId }) => userId === bob.id).lastReadAt, TIME);
  },

  "message:edit is for one's own messages": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    const { id } = await heardBy(a, [a, b], { chatId, content: "helo" });
    const { seq } = await a.tell("message:edit", { chatId, messageId: id, content: "hello" });
    for (const socket of [a, b]) {
      const { editedAt, ...edited } = await socket.next("message:edited");
      assert.match(editedAt, TIME);
      assert.deepEqual(edited, { chatId, messageId: id, content: "hello", seq });
    }
    await b.refused("forbidden", "message:edit", { chatId, messageId: id, content: "mine" });
    await a.refused("not_found", "message:edit", { chatId, messageId: NOWHERE, content: "x" });
  },

  "message:delete is for one's own messages, and for moderators": async (scene) => {
    const { alice, a, b, chatId } = await scene.talk();
    const guard = await scene.person("Guard", { role: "moderator" });
    await scene.http(alice, "POST", `/api/chats/${chatId}/participants`, { userId: guard.id });
    const g = await scene.connect(guard);
    const one = await heardBy(a, [a, b, g], { chatId, content: "one" });
    const two = await heardBy(a, [a, b, g], { chatId, content: "two" });
    await b.refused("forbidden", "message:delete", { chatId, messageId: one.id });
    for (const [socket, { id }] of [[a, one], [g, two]]) {
      const { seq } = await socket.tell("message:delete", { chatId, messageId: id });
      for (const each of [a, b, g]) assert.deepEqual(await each.next("message:deleted"), { chatId, messageId: id, seq });
    }
    await a.refused("not_found", "message:edit", { chatId, messageId: one.id, content: "back" });
  },

  "message:react adds a reaction and takes it back": async (scene) => {
    const { bob, a, b, chatId } = await scene.talk();
    const { id } = await heardBy(a, [a, b], { chatId, content: "good news" });
    for (const removed of [false, true]) {
      const more = removed ? { remove: true } : {};
      const { seq } = await b.tell("message:react", { chatId, messageId: id, emoji: "👍", ...more });
      const expected = { chatId, messageId: id, userId: bob.id, emoji: "👍", removed, seq };
      for (const socket of [a, b]) assert.deepEqual(await socket.next("message:reaction"), expected);
    }
    await b.refused("not_found", "message:react", { chatId, messageId: NOWHERE, emoji: "👍" });
  },

  "typing:start and typing:stop reach the others alone": async (scene) => {
    const { alice, a, b, chatId } = await scene.talk();
    await a.tell("typing:start", { chatId });
    assert.deepEqual(await b.next("typing:start"), { chatId, userId: alice.id, username: "Alice" });
    await a.tell("typing:stop", { chatId });
    assert.deepEqual(await b.next("typing:stop"), { chatId, userId: alice.id });
    await heardBy(a, [a, b], { chatId, content: "typed" });
    assert.equal(a.pending("typing:start") + a.pending("typing:stop"), 0);
  },

  "a start of typing expires by itself after six seconds": async (scene) => {
    const { alice, a, b, chatId } = await scene.talk();
    await a.tell("typing:start", { chatId });
    await b.next("typing:start");
    const began = performance.now();
    assert.deepEqual(await b.next("typing:stop"), { chatId, userId: alice.id });
    const took = performance.now() - began;
    assert.ok(took > 4_500 && took < 12_000, `${took} ms`);
  },

  "whoever types and leaves or disconnects has stopped": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    for (const end of [() => a.tell("chat:leave", { chatId }), () => a.leave()]) {
      await a.tell("chat:join", { chatId });
      await a.tell("typing:start", { chatId });
      await b.next("typing:start");
      const began = performance.now();
      await end();
      await b.next("typing:stop");
      assert.ok(performance.now() - began < 4_500, "at once");
    }
  },

  "call:signal of every kind reaches all sockets of that user, who must share a chat": async (scene) => {
    const { alice, bob, a, b } = await scene.talk();
    const second = await scene.connect(bob, { apart: b });
    const stranger = await scene.person("Stranger");
    for (const kind of ["offer", "answer", "ice", "hangup", "ring"]) {
      const data = { sdp: `v=0 ${kind}`, nested: [1, null, { deep: true }] };
      await a.tell("call:signal", { to: bob.id, kind, data });
      for (const socket of [b, second]) {
        assert.deepEqual(await socket.next("call:signal"), { from: alice.id, kind, data });
      }
    }
    assert.equal(a.pending("call:signal"), 0);
    await a.refused("forbidden", "call:signal", { to: stranger.id, kind: "ring", data: 1 });
  },

  "user:status: online with the first connection in the cluster, offline after the last one's grace": async (scene) => {
    const [alice, bob] = await Promise.all([scene.person("Alice"), scene.person("Bob")]);
    await scene.chat(alice, bob);
    const a = await scene.connect(alice);
    const first = await scene.connect(bob);
    assert.deepEqual(await a.next("user:status"), { userId: bob.id, status: "online" });
    const second = await scene.connect(bob, { apart: first });
    first.leave();
    second.leave();
    const { lastSeen, ...status } = await a.next("user:status");
    assert.deepEqual(status, { userId: bob.id, status: "offline" });
    assert.match(lastSeen, TIME);
    await scene.connect(bob);
    assert.deepEqual(await a.next("user:status"), { userId: bob.id, status: "online" });
    assert.equal(a.pending("user:status"), 0);
  },

  "somebody added while connected is in the chat at once": async (scene) => {
    const { alice, a, b, chatId } = await scene.talk();
    const carol = await scene.person("Carol");
    const c = await scene.connect(carol, { apart: a });
    await c.refused("not_a_participant", "message:send", { chatId, content: "let me in" });
    await scene.http(alice, "POST", `/api/chats/${chatId}/participants`, { userId: carol.id });
    const welcomed = async () => {
      await a.tell("message:send", { chatId, content: "welcome" });
      return c.pending("message:new") > 0;
    };
    await eventually(welcomed, "a message that the new participant hears");
    await c.tell("message:send", { chatId, content: "thank you" });
    for (const socket of [a, b, c]) {
      const message = await socket.until("message:new", ({ content }) => content !== "welcome");
      assert.deepEqual([message.content, message.sender.id], ["thank you", carol.id]);
    }
  },

  "somebody removed while connected hears nothing that is sent after the answer": async (scene) => {
    const { alice, bob, a, b, chatId } = await scene.talk();
    await heardBy(a, [a, b], { chatId, content: "together" });
    await scene.http(alice, "DELETE", `/api/chats/${chatId}/participants/${bob.id}`);
    await heardBy(a, [a], { chatId, content: "alone" });
    await b.refused("not_a_participant", "message:send", { chatId, content: "still here?" });
    await b.refused("not_a_participant", "chat:join", { chatId });
    await scene.http(alice, "POST", `/api/chats/${chatId}/participants`, { userId: bob.id });
    await eventually(async () => (await b.ask("chat:join", { chatId })).ok, "the membership");
    await heardBy(a, [a, b], { chatId, content: "together again" });
  },

  "who is no participant may do nothing in a chat": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    const { id } = await heardBy(a, [a, b], { chatId, content: "ours" });
    const stranger = await scene.connect(await scene.person("Stranger"));
    for (const [event, more] of [
      ["chat:join", {}], ["message:send", { content: "x" }], ["message:read", { messageId: id }],
      ["message:edit", { messageId: id, content: "x" }], ["message:delete", { messageId: id }],
      ["message:react", { messageId: id, emoji: "x" }], ["typing:start", {}], ["typing:stop", {}],
    ]) await stranger.refused("not_a_participant", event, { chatId, ...more });
    await stranger.tell("chat:leave", { chatId });
    stranger.say("message:send", { chatId, content: "without a callback" });
    const { code, message } = await stranger.next("error");
    assert.deepEqual([code, typeof message], ["not_a_participant", "string"]);
    await heardBy(a, [a, b], { chatId, content: "still ours" });
    assert.equal(stranger.pending("message:new"), 0);
  },

  "history over HTTP is what was heard": async (scene) => {
    const { alice, bob, a, b, chatId } = await scene.talk();
    const one = await heardBy(a, [a, b], { chatId, content: "one", clientId: "h-1" });
    const two = await heardBy(b, [a, b], { chatId, content: "two", replyTo: one.id });
    await a.tell("message:edit", { chatId, messageId: one.id, content: "ONE" });
    await b.tell("message:delete", { chatId, messageId: two.id });
    const path = `/api/rooms/${encodeURIComponent(`chat:${chatId}`)}/messages`;
    const { messages } = await scene.http(bob, "GET", path);
    const shown = messages.map(({ id, seq, userId, message }) => ({ id, seq, userId, message }));
    assert.deepEqual(shown[0], { id: one.id, seq: one.seq, userId: alice.id, message: "ONE" });
    assert.deepEqual([shown[1].id, shown[1].seq, shown[1].message], [two.id, two.seq, undefined]);
    assert.match(messages[0].editedAt, TIME);
    assert.match(messages[1].deletedAt, TIME);
    assert.equal(messages.length, 2);
  },
};
