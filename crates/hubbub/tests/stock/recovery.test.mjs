// A stock Socket.IO client whose node is killed while messages flow: it comes back by itself, to where it stood.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { Cluster } from "./cluster.mjs";
import { eventually, within } from "./program.mjs";

/** How often a node is killed; a cluster has two to lose. */
const RUNS = Number(process.env.RECOVERY_RUNS ?? 2);
/** Messages per second, in all rooms together. */
const RATE = 50;
/** Messages per run: half before the node dies and half after. */
const MESSAGES = 200;

const SETTINGS = { HUBBUB_LIMITS__MAX_CONNECTIONS_PER_USER: "0", HUBBUB_PRESENCE__LEASE: "5s" };

/** Closed at the end whatever happens: a client that comes back for ever would keep this process alive. */
const sockets = [];
let cluster;
let losses = 0;
before(async () => (cluster = await Cluster.up(SETTINGS)));
after(() => {
  sockets.forEach((socket) => socket.close());
  cluster?.down();
});

async function connected(token, options = {}) {
  const socket = io(`http://${cluster.host}`, {
    auth: { token },
    forceNew: true,
    reconnectionDelay: 100,
    reconnectionDelayMax: 500,
    ...options,
  });
  sockets.push(socket);
  await within(new Promise((resolve) => socket.once("connect", resolve)), "a connection");
  return socket;
}

/** Which gateway counts the connection that `connect` makes. */
async function placed(connect) {
  const earlier = await cluster.connections();
  const socket = await connect();
  const node = await eventually(async () => {
    const now = await cluster.connections();
    return Object.keys(now).find((name) => now[name] > earlier[name]);
  }, "a node that counts the connection");
  return { socket, node };
}

const ask = (socket, event, data) => socket.timeout(10_000).emitWithAck(event, data);

/** Sends to the rooms in turn and sends again what was not acknowledged. */
async function send(sender, rooms, first, count) {
  for (let number = first; number < first + count; number += 1) {
    const [event, room, field] = rooms[number % rooms.length];
    const message = { ...room, [field]: `m${number}`, clientId: `c-${losses}-${number}` };
    await eventually(async () => (await ask(sender, event, message).catch(() => ({}))).ok, "an acknowledgement");
    await new Promise((resolve) => setTimeout(resolve, 1000 / RATE));
  }
}

async function chatOf(tokens, users) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${tokens[0]}` };
  const body = JSON.stringify({ participantIds: users });
  const answer = await fetch(`http://${cluster.host}/api/chats`, { method: "POST", headers, body });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
}

async function run(transports) {
  // Two nodes may be lost; a third one is always there.
  if (losses % 2 === 0 && losses > 0) {
    cluster.down();
    cluster = await Cluster.up(SETTINGS);
  }
  losses += 1;
  const users = [`reader-${losses}`, `writer-${losses}`];
  const tokens = await Promise.all(users.map((user) => cluster.mint(user)));
  // Known to the directory before the chat names them.
  for (const token of tokens) {
    await fetch(`http://${cluster.host}/api/me`, { headers: { authorization: `Bearer ${token}` } });
  }
  const chat = await chatOf(tokens, [users[1]]);
  const { socket: reader, node } = await placed(() => connected(tokens[0], { transports }));
  const writer = await eventually(async () => {
    const found = await placed(() => connected(tokens[1], { transports: ["websocket"] }));
    if (found.node !== node) return found.socket;
    found.socket.close();
    return undefined;
  }, "a writer on another node");
  const room = `room-${losses}`;
  assert.ok((await ask(reader, "join_room", room)).ok);
  assert.ok((await ask(writer, "join_room", room)).ok);
  const heard = { live: [], chat: [] };
  reader.on("receive_message", (message) => heard.live.push(message));
  reader.on("message:new", (message) => heard.chat.push(message));
  let recovered;
  reader.on("connect", () => (recovered = reader.recovered));
  const id = reader.id;

  const rooms = [["send_message", { roomId: room }, "text"], ["message:send", { chatId: chat }, "content"]];
  await send(writer, rooms, 0, MESSAGES / 2);
  process.kill(await cluster.pid(node), "SIGKILL");
  await send(writer, rooms, MESSAGES / 2, MESSAGES / 2);

  await eventually(() => heard.live.length + heard.chat.length >= MESSAGES, `${MESSAGES} messages`);
  assert.equal(recovered, true, "the client knows that it was recovered");
  assert.equal(reader.id, id, "it is the same socket to everybody else");
  const numbers = (list, field) => list.map((message) => Number(message[field].slice(1)));
  const expected = (rest) => Array.from({ length: MESSAGES / 2 }, (_, index) => index * 2 + rest);
  assert.deepEqual(numbers(heard.live, "text"), expected(0), "every message of the room once, in order");
  assert.deepEqual(numbers(heard.chat, "content"), expected(1), "every message of the chat once, in order");
  reader.close();
  writer.close();
}

for (let number = 1; number <= RUNS; number += 1) {
  const transports = number % 2 === 0 ? ["polling", "websocket"] : ["websocket"];
  test(`a client on ${transports} comes back to every message once, in order, when its node is killed (${number})`, () =>
    run(transports));
}
