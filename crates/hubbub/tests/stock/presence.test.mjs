// Who is there, across nodes that live and die; and who is put out of a chat on whichever node they are.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { Client } from "./client.mjs";
import { Cluster } from "./cluster.mjs";
import { eventually, within } from "./program.mjs";

const SETTINGS = {
  HUBBUB_LIMITS__MAX_CONNECTIONS_PER_USER: "0",
  HUBBUB_LIMITS__COMMANDS_PER_SECOND: "0",
  HUBBUB_LIMITS__COMMANDS_BURST: "0",
};
/** Seats on the node that is killed. */
const SEATS = Number(process.env.PRESENCE_SEATS ?? 200);
const ask = (socket, event, data) => socket.timeout(10_000).emitWithAck(event, data);

/** Closed at the end whatever happens: a client that comes back for ever would keep this process alive. */
const sockets = [];
let cluster;
before(async () => (cluster = await Cluster.up(SETTINGS)));
after(() => {
  sockets.forEach((socket) => socket.close());
  cluster?.down();
});

const headers = (token) => ({ "content-type": "application/json", authorization: `Bearer ${token}` });

async function known(user) {
  const token = await cluster.mint(user);
  await fetch(`http://${cluster.host}/api/me`, { headers: headers(token) });
  return token;
}

async function chat(token, participantIds) {
  const body = JSON.stringify({ participantIds });
  const answer = await fetch(`http://${cluster.host}/api/chats`, { method: "POST", headers: headers(token), body });
  return (await answer.json()).id;
}

/** A stock client on the gateway of this number, whatever the balancer would choose. */
async function on(gateway, token) {
  const socket = io(cluster.gateways[gateway].address, { auth: { token }, forceNew: true, transports: ["websocket"] });
  sockets.push(socket);
  await within(new Promise((resolve) => socket.once("connect", resolve)), "a connection");
  return socket;
}

test("a user with three connections on two nodes comes online once and goes offline once", async () => {
  const [watcher, user] = [await known("watcher"), await known("three")];
  await chat(watcher, ["three"]);
  const eye = await on(2, watcher);
  const seen = [];
  eye.on("user:status", (status) => status.userId === "three" && seen.push(status.status));
  const connections = [await on(0, user), await on(1, user), await on(1, user)];
  await eventually(() => seen.length === 1, "online");
  connections[0].close();
  connections[1].close();
  // Longer than the grace: a connection is left.
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  assert.deepEqual(seen, ["online"]);
  connections[2].close();
  await eventually(() => seen.length === 2, "offline");
  // Back within the grace of another departure: neither is told.
  const again = await on(0, user);
  await eventually(() => seen.length === 3, "online again");
  again.close();
  const back = await on(1, user);
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  assert.deepEqual(seen, ["online", "offline", "online"]);
  back.close();
  eye.close();
});

test("a participant who is removed hears nothing that is sent after the answer, on whichever node they are", async () => {
  const [owner, guest] = [await known("owner"), await known("guest")];
  const [here, there] = [await on(0, owner), await on(1, guest)];
  for (let round = 0; round < 20; round += 1) {
    const id = await chat(owner, ["guest"]);
    const heard = [];
    there.on("message:new", (message) => message.chat_id === id && heard.push(message.content));
    await eventually(async () => (await ask(there, "chat:join", { chatId: id })).ok, "the guest in the chat");
    assert.ok((await ask(here, "message:send", { chatId: id, content: "before" })).ok);
    // Messages are on their way all the time.
    let sending = true;
    const flood = (async () => {
      while (sending) await ask(here, "message:send", { chatId: id, content: "during" });
    })();
    const path = `/api/chats/${id}/participants/guest`;
    const answer = await fetch(`http://${cluster.host}${path}`, { method: "DELETE", headers: headers(owner) });
    assert.equal(answer.status, 204);
    sending = false;
    await flood;
    for (let after = 0; after < 5; after += 1) await ask(here, "message:send", { chatId: id, content: "after" });
    assert.equal((await ask(there, "message:send", { chatId: id, content: "x" })).error.code, "not_a_participant");
    assert.ok(!heard.includes("after"), `round ${round}: ${heard}`);
    there.removeAllListeners("message:new");
  }
  here.close();
  there.close();
});

test(`${SEATS} seats of a node that is killed are gone and told once`, async () => {
  const eye = await on(0, await known("eye"));
  assert.ok((await ask(eye, "join_room", "crowd")).ok);
  const counts = [];
  eye.on("room_members", (room) => room.roomId === "crowd" && counts.push(room.count));
  const watcher = await known("peer");
  const peer = await on(0, watcher);
  const offline = [];
  peer.on("user:status", (status) => status.status === "offline" && offline.push(status.userId));
  const friends = ["friend-1", "friend-2", "friend-3"];
  const tokens = await Promise.all(friends.map(known));
  await chat(watcher, friends);
  const friendly = [];
  for (const token of tokens) friendly.push(await on(1, token));
  const { host } = new URL(cluster.gateways[1].address);
  const sitters = await Promise.all(
    Array.from({ length: SEATS }, async (_, number) => {
      const client = await Client.of(host, await cluster.mint(`sitter-${number}`));
      client.send({ type: "join_room", roomId: "crowd", history: 0 });
      await client.until("joined");
      return client;
    }),
  );
  await eventually(() => counts.at(-1) === SEATS + 1, "everybody in the room");
  const before = counts.length;
  const killed = Date.now();
  process.kill(await cluster.pid(cluster.gateways[1].name), "SIGKILL");
  await eventually(() => counts.at(-1) === 1, "nobody but us");
  const seconds = (Date.now() - killed) / 1000;
  await eventually(() => offline.length >= 3, "friends offline");
  const later = (Date.now() - killed) / 1000;
  console.log(`${SEATS} seats gone after ${seconds} s, friends offline after ${later} s`);
  assert.ok(seconds <= 15 && later <= 15);
  // Nothing is told twice: one more round of every node's looking.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.deepEqual(offline.sort(), friends);
  assert.equal(counts.slice(before).filter((count) => count === 1).length, 1);
  // They would come back for ever to a node that does not.
  [eye, peer, ...friendly].forEach((socket) => socket.close());
  await Promise.all(sitters.map((client) => client.closed));
});
