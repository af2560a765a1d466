// What lies at rest cannot be read: neither in Postgres, nor in Redis' files, nor in its memory. And keys are rotated
// beside nodes at work.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { open, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { io } from "socket.io-client";
import { Cluster } from "./cluster.mjs";
import { PROGRAM, eventually, within } from "./program.mjs";

const run = promisify(execFile);
const ask = (socket, event, data) => socket.timeout(10_000).emitWithAck(event, data);
/** Found in no file that was not written by these tests. */
const SECRET = `plaintext-${process.pid}-${Date.now()}`;
/** How many messages there are to seal again. */
const OLD = Number(process.env.SEALING_OLD ?? 1_000);

/** Closed at the end whatever happens: a client that comes back for ever would keep this process alive. */
const sockets = [];
let cluster;
let keys;
let tokens;
before(async () => {
  const fresh = async (id) => (await run(PROGRAM, ["keys", "new", "--id", id])).stdout.trim();
  keys = { old: await fresh("old"), next: await fresh("next") };
  cluster = await Cluster.up({
    CLUSTER_SEAL_KEYS: `${keys.old},${keys.next}`,
    HUBBUB_LIMITS__COMMANDS_PER_SECOND: "0",
    HUBBUB_LIMITS__COMMANDS_BURST: "0",
  });
  tokens = { ann: await cluster.mint("ann"), bob: await cluster.mint("bob") };
  for (const token of Object.values(tokens)) await get("/api/me", token);
});
after(() => {
  sockets.forEach((socket) => socket.close());
  cluster?.down();
});

const headers = (token) => ({ "content-type": "application/json", authorization: `Bearer ${token}` });
const get = async (path, token) => (await fetch(`http://${cluster.host}${path}`, { headers: headers(token) })).json();

async function connected(token) {
  const socket = io(`http://${cluster.host}`, { auth: { token }, forceNew: true, transports: ["websocket"] });
  sockets.push(socket);
  await within(new Promise((resolve) => socket.once("connect", resolve)), "a connection");
  return socket;
}

async function chat() {
  const body = JSON.stringify({ participantIds: ["bob"] });
  const answer = await fetch(`http://${cluster.host}/api/chats`, { method: "POST", headers: headers(tokens.ann), body });
  return (await answer.json()).id;
}

/** Waits until nothing is left in the journal. */
async function persisted(room, seq) {
  const newest = async () => Number((await cluster.query(`SELECT coalesce(max(seq), 0) FROM messages WHERE room = '${room}'`))[0][0]);
  await eventually(async () => (await newest()) >= seq, `${room} up to ${seq} in the database`);
}

/** In how many of these bytes the text stands, as it is and as Postgres prints bytes. */
const hits = (bytes) => [SECRET, Buffer.from(SECRET).toString("hex")].filter((text) => bytes.includes(text)).length;

/** What a process holds in memory, piece by piece; empty where this system does not let us look. */
async function* memory(pid) {
  const maps = (await readFile(`/proc/${pid}/maps`, "utf8")).split("\n").filter((line) => / rw/.test(line));
  const file = await open(`/proc/${pid}/mem`, "r");
  for (const line of maps) {
    const [from, to] = line.split(" ")[0].split("-").map((text) => Number.parseInt(text, 16));
    const piece = Buffer.alloc(to - from);
    // Some pieces are the kernel's own.
    const read = await file.read(piece, 0, piece.length, from).catch(() => ({ bytesRead: 0 }));
    yield piece.subarray(0, read.bytesRead);
  }
  await file.close();
}

test("a known text of a sealed room is found nowhere at rest", async () => {
  const ann = await connected(tokens.ann);
  const id = await chat();
  assert.ok((await ask(ann, "join_room", "vault")).ok);
  const live = await ask(ann, "send_message", { roomId: "vault", text: SECRET, note: `${SECRET} in a field` });
  const sent = await ask(ann, "message:send", { chatId: id, content: SECRET });
  const edited = await ask(ann, "message:edit", { chatId: id, messageId: sent.id, content: `${SECRET} edited` });
  const reacted = await ask(ann, "message:react", { chatId: id, messageId: sent.id, emoji: SECRET });
  assert.ok([live, sent, edited, reacted].every((answer) => answer.ok));
  await persisted("room:vault", live.seq);
  await persisted(`chat:${id}`, reacted.seq);
  const shown = await get(`/api/rooms/chat:${id}/messages`, tokens.bob);
  assert.equal(shown.messages[0].message, `${SECRET} edited`, "those who may read it can");

  const { stdout: dump } = await run("pg_dump", ["--data-only", "-d", cluster.database], { maxBuffer: 1 << 28 });
  assert.equal(hits(Buffer.from(dump)), 0, "in Postgres");
  const folder = join(cluster.folder, "state", "redis");
  await cluster.redis("CONFIG", "SET", "rdbcompression", "no");
  await cluster.redis("SAVE");
  let files = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0));
    files += bytes.length > 0 ? 1 : 0;
    assert.equal(hits(bytes), 0, `in Redis' ${name}`);
  }
  assert.ok(files >= 2, "an append-only file and a dump were looked at");
  let looked = 0;
  for await (const piece of memory(await cluster.pid("redis"))) {
    looked += piece.length;
    assert.equal(hits(piece), 0, "in Redis' memory");
  }
  console.log(`searched: pg_dump ${dump.length} bytes, ${files} files of Redis, ${looked} bytes of its memory: 0 hits`);
  ann.close();
});

test("keys are rotated while messages are written and read, and none becomes unreadable", async () => {
  const ann = await connected(tokens.ann);
  const id = await chat();
  let written = 0;
  const say = async () => assert.ok((await ask(ann, "message:send", { chatId: id, content: `m${(written += 1)}` })).ok);
  for (let burst = 0; burst < OLD / 50; burst += 1) await Promise.all(Array.from({ length: 50 }, say));
  await persisted(`chat:${id}`, written);

  let rotating = true;
  let unreadable = 0;
  let read = 0;
  const writes = (async () => {
    while (rotating) await say();
  })();
  const reads = (async () => {
    while (rotating) {
      let before = "";
      do {
        const page = await get(`/api/rooms/chat:${id}/messages?limit=100${before}`, tokens.bob);
        unreadable += page.messages.filter((message) => message.unreadable).length;
        read += page.messages.length;
        before = page.nextBefore ? `&before=${page.nextBefore}` : undefined;
      } while (before);
    }
  })();
  const environment = { ...process.env, HUBBUB_DATABASE__URL: cluster.database, HUBBUB_SEAL__KEYS: `${keys.next},${keys.old}` };
  const { stdout } = await run(PROGRAM, ["keys", "rotate", "--batch", "50"], { env: environment });
  rotating = false;
  await Promise.all([writes, reads]);
  const [, sealed] = stdout.match(/^sealed (\d+), changed meanwhile (\d+), unreadable 0$/m);
  assert.ok(Number(sealed) >= OLD, stdout);
  assert.equal(unreadable, 0);
  const { stdout: status } = await run(PROGRAM, ["keys", "status"], { env: environment });
  assert.match(status, /^next +\d+ +seals$/m);
  const last = await get(`/api/rooms/chat:${id}/messages?limit=100`, tokens.bob);
  assert.ok(last.messages.every((message) => message.message.startsWith("m")));
  console.log(`rotated: ${stdout.trim()}; meanwhile written ${written - OLD}, read ${read}, unreadable ${unreadable}`);
  ann.close();
});

test("a message whose key is missing says so, and everything else goes on", async () => {
  const ann = await connected(tokens.ann);
  const id = await chat();
  const lost = await ask(ann, "message:send", { chatId: id, content: "sealed with a key that goes away" });
  await persisted(`chat:${id}`, lost.seq);
  // As if it had been sealed with a key that nobody configured here.
  await cluster.query(`UPDATE messages SET key_id = 'gone' WHERE id = '${lost.id}'`);
  // Old messages come from the database.
  await cluster.redis("DEL", await cluster.redis("--scan", "--pattern", `*hot:chat:${id}`));
  const answer = await eventually(async () => {
    const page = await get(`/api/rooms/chat:${id}/messages`, tokens.bob);
    return page.messages?.length > 0 && page;
  }, "a page");
  assert.equal(answer.messages[0].unreadable, "key_missing");
  assert.equal(answer.messages[0].message, "");
  ann.close();
});
