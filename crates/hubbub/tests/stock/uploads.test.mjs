// Files between stock clients on different nodes: brought to one, heard of on another, fetched from a third. And a whole room,
// line by line.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { after, afterEach, before, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { Hall, UNLIMITED } from "./hub.mjs";
import { get, refused } from "./http.mjs";
import { eventually, within } from "./program.mjs";

const MEBIBYTE = 1024 * 1024;

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

/** Sends a form as browsers do; the answer. */
async function post(person, room, bytes, { node = 0, name = "picture.png", type = "image/png" } = {}) {
  const form = new FormData();
  form.append("room", room);
  form.append("file", new Blob([bytes], { type }), name);
  const headers = { authorization: `Bearer ${person.token}` };
  const answer = await fetch(`${hall.at(node)}/api/uploads`, { method: "POST", headers, body: form });
  return { status: answer.status, body: await answer.json() };
}

/** What messages will show. */
async function upload(person, room, bytes, more) {
  const { status, body } = await post(person, room, bytes, more);
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

/** The file as somebody gets it from a node. */
async function download(person, id, node) {
  const answer = await fetch(`${hall.at(node)}/api/uploads/${id}`, { headers: { authorization: `Bearer ${person.token}` } });
  assert.equal(answer.status, 200);
  return { headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

const denied = (status, code, person, id, node = 0) => refused(status, code, hall.at(node), person.token, "GET", `/api/uploads/${id}`);
const leftovers = async () => {
  const [[pieces, unfinished]] = await cluster.query(`
    SELECT (SELECT count(*) FROM attachment_pieces p WHERE NOT EXISTS (SELECT 1 FROM attachments a WHERE a.id = p.upload)),
           (SELECT count(*) FROM unfinished_uploads)`);
  return Number(pieces) + Number(unfinished);
};

test("a file of 5 MiB is sent over the hub and fetched by every participant on every node, and by nobody else", async () => {
  const [anna, bob, carl, eve] = await Promise.all(["Anna", "Bob", "Carl", "Eve"].map((name) => hall.known(name)));
  const chatId = await hall.chat(anna, bob, carl);
  const bytes = randomBytes(5 * MEBIBYTE);
  const shown = await upload(anna, `chat:${chatId}`, bytes, { name: "Grüße aus Köln.png" });
  assert.deepEqual(shown, { id: shown.id, name: "Grüße aus Köln.png", type: "image/png", size: bytes.length });
  for (const person of [bob, eve]) await denied(404, "not_found", person, shown.id, 1);
  const [sender, listener, socket] = [await hall.hub(anna), await hall.hub(bob, { node: 1 }), await hall.io(carl, { node: 2 })];
  for (const line of [sender, listener]) await line.enter(`chat:${chatId}`);
  await socket.tell("chat:join", { chatId });
  await sender.tell({ type: "chat", roomId: `chat:${chatId}`, message: "", messageType: "image", attachmentIds: [shown.id] });
  const heard = await listener.next("chat");
  assert.deepEqual([heard.message, heard.messageType, heard.attachments], ["", "image", [shown]]);
  const received = await socket.next("message:new");
  assert.deepEqual([received.content, received.message_type, received.attachments], ["", "image", [shown]]);
  for (const [person, node] of [[bob, 1], [carl, 2], [anna, 0]]) {
    const file = await download(person, shown.id, node);
    assert.ok(file.bytes.equals(bytes), `as ${person.username} from node ${node}`);
    assert.equal(file.headers.get("content-type"), "image/png");
    assert.equal(file.headers.get("content-disposition"), "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20aus%20K%C3%B6ln.png");
    assert.match(file.headers.get("content-security-policy"), /^sandbox/);
  }
  await denied(403, "not_a_participant", eve, shown.id, 2);
  const { messages } = await get(200, hall.at(2), bob.token, "GET", `/api/rooms/chat:${chatId}/messages`);
  assert.deepEqual(messages[0].attachments, [shown]);
});

test("a file is sent over Socket.IO and heard of on the hub, and one that is not the sender's is not", async () => {
  const [anna, bob] = await Promise.all(["Anna", "Bob"].map((name) => hall.known(name)));
  const chatId = await hall.chat(anna, bob);
  const shown = await upload(anna, `chat:${chatId}`, randomBytes(5 * MEBIBYTE), { node: 2 });
  const theirs = await upload(bob, `chat:${chatId}`, randomBytes(1000));
  const [sender, listener] = [await hall.io(anna, { node: 1 }), await hall.hub(bob)];
  await listener.enter(`chat:${chatId}`);
  const mixed = await sender.ask("message:send", { chatId, content: "", attachmentIds: [shown.id, theirs.id] });
  assert.deepEqual([mixed.ok, mixed.error.code], [false, "not_found"]);
  await denied(404, "not_found", bob, shown.id);
  const empty = await sender.ask("message:send", { chatId, content: " ", attachmentIds: [] });
  assert.deepEqual([empty.ok, empty.error.code], [false, "invalid_message"]);
  const command = { chatId, content: "look", attachmentIds: [shown.id], clientId: "with-a-file" };
  const first = await sender.tell("message:send", command);
  assert.deepEqual((await listener.next("chat")).attachments, [shown]);
  // What is sent again after a lost acknowledgement is the same message, with its file.
  assert.equal((await sender.tell("message:send", command)).id, first.id);
  assert.equal((await download(bob, shown.id, 1)).bytes.length, 5 * MEBIBYTE);
});

test("a file above the limit is refused while it comes, and nothing of it or of one that breaks off is kept", async () => {
  const anna = await hall.known("Anna");
  const room = `room:${hall.room()}`;
  for (const size of [10 * MEBIBYTE + 1, 30 * MEBIBYTE]) {
    const { status, body } = await post(anna, room, Buffer.alloc(size));
    assert.deepEqual([status, body.code], [413, "too_large"], `${size} bytes`);
  }
  const headers = {
    authorization: `Bearer ${anna.token}`,
    "content-type": "multipart/form-data; boundary=frontier",
    "content-length": `${9 * MEBIBYTE}`,
  };
  const leaving = request(`${hall.at(1)}/api/uploads`, { method: "POST", headers });
  leaving.on("error", () => {});
  leaving.write(`--frontier\r\nContent-Disposition: form-data; name="room"\r\n\r\n${room}\r\n`);
  leaving.write('--frontier\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n');
  leaving.write(Buffer.alloc(2 * MEBIBYTE));
  await eventually(async () => (await leftovers()) > 1, "pieces of a file that is on its way");
  leaving.destroy();
  await eventually(async () => (await leftovers()) === 0, "nothing is left of it");
});

test("a whole room is exported from any node, one message a line, with what was changed since", async () => {
  const [anna, bob] = [hall.person("Anna"), hall.person("Bob")];
  const roomId = hall.room();
  const line = await hall.hub(anna);
  await line.enter(roomId);
  const count = 300;
  const sent = [];
  for (let number = 1; number <= count; number++) {
    sent.push(line.tell({ type: "chat", roomId, message: `number ${number}` }));
  }
  const told = await Promise.all(sent);
  const [first, second] = told.sort((one, other) => one.seq - other.seq);
  await line.tell({ type: "edit", roomId, id: first.id, message: "changed" });
  await line.tell({ type: "delete", roomId, id: second.id });
  for (const node of [0, 1, 2]) {
    const headers = { authorization: `Bearer ${bob.token}` };
    const answer = await within(fetch(`${hall.at(node)}/api/rooms/room:${roomId}/export`, { headers }), "an export");
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/x-ndjson"]);
    const messages = (await answer.text()).trimEnd().split("\n").map((text) => JSON.parse(text));
    assert.deepEqual(messages.map(({ seq }) => seq), Array.from({ length: count }, (_, index) => index + 1));
    assert.deepEqual([messages[0].message, typeof messages[0].editedAt], ["changed", "string"]);
    assert.deepEqual([messages[1].message, typeof messages[1].deletedAt], [undefined, "string"]);
    const page = await get(200, hall.at(node), bob.token, "GET", `/api/rooms/room:${roomId}/messages?limit=100`);
    assert.deepEqual(page.messages, messages.slice(-100));
  }
});
