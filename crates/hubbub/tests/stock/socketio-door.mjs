// How Socket.IO clients come in, are refused, come back, and what bad input is answered with. A list of cases.

import assert from "node:assert/strict";
import { inSeconds, token } from "./socketio.mjs";

/** Connects with these options and returns why that was refused. */
async function refusal(scene, options) {
  const socket = scene.dial(options);
  const error = await socket.refusal();
  assert.ok(error, "it was let in");
  socket.leave();
  return error;
}

/** A chat of Alice and Bob, with Bob connected; Alice comes in by these options and says something in it. */
async function comesIn(scene, alice, options) {
  const bob = await scene.person("Bob");
  const chatId = await scene.chat(alice, bob);
  const b = await scene.connect(bob);
  const a = await scene.connect(alice, { auth: undefined, ...options });
  await a.tell("message:send", { chatId, content: "here I am" });
  assert.deepEqual((await b.next("message:new")).sender, { id: alice.id, username: alice.username });
  await a.next("message:new");
  a.leave();
}

/** Somebody with a password and the cookie that a browser keeps after signing in. */
async function signedIn(scene) {
  const account = { username: (await scene.person("carol")).id.replaceAll("-", ""), password: "correct horse" };
  const post = (path) => fetch(scene.address + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(account),
  });
  const registered = await post("/api/auth/register");
  assert.equal(registered.status, 201, await registered.clone().text());
  const answer = await post("/api/auth/login");
  assert.equal(answer.status, 200);
  const cookie = answer.headers.get("set-cookie");
  assert.match(cookie, /^token=[^;]+;.*HttpOnly/i);
  const { user, token } = await answer.json();
  return { id: user.id, username: user.username, token, cookie: cookie.split(";")[0] };
}

export const door = {
  "the token may be in auth.token": async (scene) => {
    const alice = await scene.person("Alice");
    await comesIn(scene, alice, { auth: { token: alice.token } });
    await comesIn(scene, alice, { auth: (give) => give({ token: alice.token, more: 1 }) });
  },

  "the token may be in the query": async (scene) => {
    const alice = await scene.person("Alice");
    await comesIn(scene, alice, { query: { token: alice.token } });
  },

  "the token may be in the Authorization header": async (scene) => {
    const alice = await scene.person("Alice");
    await comesIn(scene, alice, { extraHeaders: { Authorization: `Bearer ${alice.token}` } });
  },

  "who signed in comes in with the cookie alone": async (scene) => {
    const carol = await signedIn(scene);
    await comesIn(scene, carol, { extraHeaders: { Cookie: `theme=dark; ${carol.cookie}` } });
  },

  "a user id that is a number stays one": async (scene) => {
    const alice = await scene.person("Alice");
    const sub = Math.floor(Math.random() * 2 ** 40);
    const number = { id: sub, username: "Number", token: token(scene.cluster, { userId: sub, username: "Number" }) };
    await scene.http(number, "GET", "/api/me");
    const chatId = await scene.chat(alice, number);
    const [a, n] = await scene.apart(alice, number);
    await n.tell("message:send", { chatId, content: "7 is no text" });
    assert.strictEqual((await a.next("message:new")).sender.id, sub);
  },

  "no token, a bad one and an old one are refused alike": async (scene) => {
    const alice = await scene.person("Alice");
    const old = token(scene.cluster, { sub: alice.id, exp: inSeconds(-60) });
    const foreign = token({ secretFile: new URL(import.meta.url).pathname }, { sub: alice.id });
    const tries = [{}, { auth: { token: "nonsense" } }, { auth: { token: old } }, { auth: { token: foreign } }, { query: { token: "bad" } }];
    for (const options of tries) {
      const error = await refusal(scene, options);
      assert.equal(error.message, "Authentication error", JSON.stringify(options));
      assert.equal(error.data?.code, "unauthorized", JSON.stringify(error.data));
    }
  },

  "a refusal reaches the client whatever its transport is at": async (scene) => {
    for (let count = 0; count < 40; count++) {
      const error = await refusal(scene, { auth: { token: "bad" } });
      assert.equal(error.message, "Authentication error");
    }
  },

  "one connection too many is refused with a code, and the others stay": async (scene) => {
    const alice = await scene.person("Alice");
    const sockets = [];
    for (let count = 0; count < 5; count++) sockets.push(await scene.connect(alice));
    const error = await refusal(scene, { auth: { token: alice.token } });
    assert.equal(error.data?.code, "too_many_connections", `${error.message} ${JSON.stringify(error.data)}`);
    for (const socket of sockets) await socket.tell("leave_room", 1);
    sockets[0].leave();
    await comesBack(scene, alice);
  },

  "a namespace that nobody serves is refused, and the socket beside it stays": async (scene) => {
    const socket = await scene.connect(await scene.person("Alice"));
    const other = socket.socket.io.socket("/nowhere", {});
    const refused = new Promise((resolve) => other.once("connect_error", resolve));
    assert.equal((await refused).message, "Invalid namespace");
    await socket.tell("leave_room", 1);
  },

  "a transport that breaks is replaced by the client, and nothing is missed": async (scene) => {
    const { a, b, chatId } = await scene.talk();
    await a.tell("message:send", { chatId, content: "before" });
    await b.next("message:new");
    b.socket.io.engine.close();
    await b.raw("disconnect");
    await a.tell("message:send", { chatId, content: "meanwhile" });
    await b.raw("connect");
    assert.equal(b.socket.recovered, true);
    await a.tell("message:send", { chatId, content: "after" });
    for (const content of ["meanwhile", "after"]) assert.equal((await b.next("message:new")).content, content);
  },

  "a token about to end is announced, and refresh takes a fresh one": async (scene) => {
    const alice = await scene.person("Alice");
    const short = token(scene.cluster, { sub: alice.id, username: "Alice", exp: inSeconds(20) });
    const socket = await scene.connect({ ...alice, token: short });
    const { inMs } = await socket.next("token_expiring");
    assert.ok(inMs > 0 && inMs <= 30_000, `${inMs}`);
    await socket.refused("unauthorized", "refresh", { token: "nonsense" });
    await socket.refused("invalid_message", "refresh", {});
    await socket.tell("refresh", { token: alice.token });
    await socket.tell("leave_room", 1);
  },

  "a token that ends ends the connection, and the client comes back with a fresh one": async (scene) => {
    const alice = await scene.person("Alice");
    let current = token(scene.cluster, { sub: alice.id, username: "Alice", exp: inSeconds(4) });
    const socket = await scene.connect(alice, { auth: (give) => give({ token: current }) });
    current = alice.token;
    assert.equal((await socket.next("error")).code, "token_expired");
    const [reason] = await socket.raw("disconnect");
    assert.notEqual(reason, "io server disconnect", "after which a client stays away");
    await socket.raw("connect");
    await socket.tell("leave_room", 1);
  },

  "bad input is answered with its code, and the connection stays": async (scene) => {
    const { alice, a, b, chatId } = await scene.talk();
    const room = scene.room();
    const [message, target] = [{ chatId, content: "x" }, { chatId, messageId: "018f0000-0000-7000-8000-000000000000" }];
    const table = [
      ["invalid_message", "chat:join"], ["invalid_message", "chat:join", {}], ["invalid_message", "chat:join", null],
      ["invalid_message", "chat:join", "text"], ["invalid_message", "chat:join", [chatId]],
      ["invalid_message", "chat:join", { chatId: true }], ["invalid_message", "chat:join", { chatId, since: "1" }],
      ["invalid_message", "chat:leave", { chatId: null }],
      ["invalid_message", "message:send", { chatId }], ["invalid_message", "message:send", { ...message, content: 5 }],
      ["invalid_message", "message:send", { ...message, content: "" }],
      ["invalid_message", "message:send", { ...message, content: " \n\t " }],
      ["invalid_message", "message:send", { ...message, content: "nul \0" }],
      ["too_large", "message:send", { ...message, content: "x".repeat(8193) }],
      ["invalid_message", "message:send", { ...message, clientId: "" }],
      ["invalid_message", "message:send", { ...message, clientId: "x".repeat(65) }],
      ["invalid_message", "message:send", { ...message, clientId: 5 }],
      ["invalid_message", "message:send", { ...message, messageType: "poem" }],
      ["invalid_message", "message:send", { ...message, replyTo: 5 }],
      ["invalid_message", "message:read", { chatId }], ["invalid_message", "message:edit", target],
      ["invalid_message", "message:delete", { chatId }], ["invalid_message", "message:react", target],
      ["invalid_message", "message:react", { ...target, emoji: 5 }],
      ["invalid_message", "message:react", { ...target, emoji: "x", remove: "yes" }],
      ["invalid_message", "typing:start", {}], ["invalid_message", "typing:stop", 5],
      ["invalid_message", "call:signal", { kind: "ring", data: 1 }],
      ["invalid_message", "call:signal", { to: "x", kind: "yodel", data: 1 }],
      ["invalid_message", "join_room", {}], ["invalid_message", "join_room", null], ["invalid_message", "join_room", true],
      ["invalid_room", "join_room", "no blanks"], ["invalid_room", "join_room", -1], ["invalid_room", "join_room", ""],
      ["invalid_room", "join_room", { roomId: "x".repeat(129) }],
      ["invalid_message", "leave_room"], ["invalid_message", "send_message", { text: "x" }],
      ["invalid_message", "send_message", { roomId: room }], ["not_in_room", "send_message", { roomId: room, text: "x" }],
      ["unknown_type", "no:such:event", {}], ["unknown_type", "user:status", {}], ["unknown_type", "message:new", message],
      ["invalid_message", "message:send", Buffer.from("binary")],
    ];
    const clumsy = await scene.person("Clumsy");
    await scene.http(alice, "POST", `/api/chats/${chatId}/participants`, { userId: clumsy.id });
    await inNines(scene, clumsy, table, async (socket, [code, event, ...data]) => {
      await socket.refused(code, event, ...data);
    });
    await inNines(scene, clumsy, table.slice(-6), async (socket, [code, event, ...data]) => {
      socket.say(event, ...data);
      const error = await socket.next("error");
      assert.deepEqual([error.code, typeof error.message], [code, "string"], event);
    });
    const { id } = await a.tell("message:send", { chatId, content: "still here" });
    await a.refused("too_large", "message:edit", { chatId, messageId: id, content: "x".repeat(8193) });
    assert.equal((await b.next("message:new")).content, "still here");
  },

  "the tenth bad frame within a minute ends the connection for good": async (scene) => {
    const socket = await scene.connect(await scene.person("Alice"));
    for (let count = 0; count < 10; count++) socket.say("no:such:event");
    for (let count = 0; count < 10; count++) assert.equal((await socket.next("error")).code, "unknown_type");
    assert.deepEqual((await socket.raw("disconnect"))[0], "io server disconnect");
    assert.equal(socket.socket.active, false, "it stays away");
  },
};

/** Tries until the seat of a connection that has just ended is free. */
async function comesBack(scene, person) {
  for (;;) {
    const socket = scene.dial({ auth: { token: person.token } });
    if (!(await socket.refusal())) return;
    socket.leave();
  }
}

/** Nine bad frames a connection: the tenth would end it. */
async function inNines(scene, person, table, act) {
  for (let first = 0; first < table.length; first += 9) {
    const socket = await scene.connect(person);
    for (const row of table.slice(first, first + 9)) await act(socket, row);
    await socket.tell("leave_room", 1);
    socket.leave();
  }
}
