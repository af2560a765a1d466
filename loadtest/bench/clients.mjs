// clients.mjs: the few measurements that take one or two particular clients rather than a swarm.
//
// `replay ADDRESS COUNT`: how long a join with `since` takes that brings COUNT hot events. `leave NEAR FAR COUNT PID`: how
// soon COUNT users who sit on the node at FAR are told as gone at NEAR, each once, after that process was killed. `start
// PROGRAM`: from the start of `hubbub dev` to the first message heard. The secret is read from the variable
// HUBBUB_AUTH__JWT_SECRET. Node needs --experimental-websocket before version 22.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 60_000;
const TIMES = 5;
/** New connections under way together. */
const AT_ONCE = 50;

const encode = (value) => Buffer.from(value).toString("base64url");
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function token(user) {
  const claims = { sub: user, username: user, exp: Math.floor(Date.now() / 1000) + 3600 };
  const text = [{ alg: "HS256", typ: "JWT" }, claims].map((part) => encode(JSON.stringify(part))).join(".");
  return `${text}.${createHmac("sha256", process.env.HUBBUB_AUTH__JWT_SECRET).update(text).digest("base64url")}`;
}

/** A raw client; `until(test)` gives the first frame that passes, from those that come after the call. */
function connect(address, path, user) {
  const socket = new WebSocket(`ws://${address}${path}?token=${typeof user === "string" ? token(user) : user.token}`);
  const listeners = new Set();
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    for (const listener of listeners) listener(frame);
  };
  const client = {
    send: (frame) => socket.send(JSON.stringify(frame)),
    on: (listener) => listeners.add(listener),
    close: () => socket.close(),
    until: (test) =>
      new Promise((resolve, reject) => {
        const end = setTimeout(() => reject(new Error("nothing came")), PATIENCE);
        const listener = (frame) => {
          if (!test(frame)) return;
          clearTimeout(end);
          listeners.delete(listener);
          resolve(frame);
        };
        listeners.add(listener);
      }),
  };
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(client);
    socket.onerror = () => reject(new Error(`cannot connect to ${address}`));
  });
}

async function enter(client, roomId, more = {}) {
  const joined = client.until((frame) => frame.type === "joined");
  client.send({ type: "join_room", roomId, ...more });
  return joined;
}

async function replay(address, count) {
  const author = await connect(address, "/", "author");
  const { epoch } = await enter(author, "replayed");
  const last = author.until((frame) => frame.type === "chat" && frame.seq === count);
  for (let number = 0; number < count; number++) {
    author.send({ type: "chat", roomId: "replayed", message: "x".repeat(100) });
  }
  await last;
  const times = [];
  for (let time = 0; time < TIMES; time++) {
    const reader = await connect(address, "/", `reader-${time}`);
    let heard = 0;
    reader.on((frame) => (heard += frame.type === "chat" ? 1 : 0));
    const began = performance.now();
    const { recovered, history } = await enter(reader, "replayed", { since: 0, epoch });
    times.push(performance.now() - began);
    if (!recovered || heard + history.length !== count) throw new Error(`recovered ${recovered}, ${heard} events`);
    reader.close();
  }
  author.close();
  return { events: count, joins: TIMES, median_ms: median(times), least_ms: Math.min(...times), most_ms: Math.max(...times) };
}

async function leave(near, far, count, pid) {
  const watcher = await connect(near, "/ws", "watcher");
  await enter(watcher, "watched");
  const full = watcher.until((frame) => frame.type === "members" && frame.count === count + 1);
  const sit = async (user) => enter(await connect(far, "/ws", `sitter-${user}`), "watched", { history: 0 });
  for (let user = 0; user < count; user += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - user) }, (_, next) => sit(user + next)));
  }
  await full;
  const gone = new Map();
  const empty = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${gone.size} of ${count} were told as gone`)), PATIENCE);
    watcher.on((frame) => {
      if (frame.type !== "members") return;
      for (const { userId } of frame.left ?? []) gone.set(userId, (gone.get(userId) ?? 0) + 1);
      if (frame.count === 1) resolve();
    });
  });
  const began = performance.now();
  process.kill(pid, "SIGKILL");
  await empty;
  const seconds = (performance.now() - began) / 1000;
  // A second telling would come with the next frames.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const repeated = [...gone.values()].filter((times) => times > 1).length;
  return { seats: count, seconds, told: gone.size, told_more_than_once: repeated };
}

async function start(program) {
  const times = [];
  for (let time = 0; time < TIMES; time++) {
    const folder = mkdtempSync(join(tmpdir(), "start-"));
    const began = performance.now();
    const child = spawn(program, ["dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], { cwd: folder });
    try {
      const link = await new Promise((resolve, reject) => {
        let said = "";
        child.stdout.on("data", (text) => {
          said += text;
          const found = /http:\/\/(127\.0\.0\.1:\d+)\/\?token=(\S+)/.exec(said);
          if (found) resolve(found);
        });
        child.on("exit", () => reject(new Error(said)));
      });
      const client = await connect(link[1], "/", { token: link[2] });
      await enter(client, "lounge");
      const heard = client.until((frame) => frame.type === "chat");
      client.send({ type: "chat", roomId: "lounge", message: "first" });
      await heard;
      times.push(performance.now() - began);
      client.close();
    } finally {
      const ended = new Promise((resolve) => child.on("close", resolve));
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    }
  }
  return { starts: TIMES, median_ms: median(times), least_ms: Math.min(...times), most_ms: Math.max(...times) };
}

const [, , command, ...rest] = process.argv;
const commands = {
  replay: () => replay(rest[0], Number(rest[1])),
  leave: () => leave(rest[0], rest[1], Number(rest[2]), Number(rest[3])),
  start: () => start(rest[0]),
};
if (!commands[command]) {
  console.error("clients.mjs replay ADDRESS COUNT | leave NEAR FAR COUNT PID | start PROGRAM");
  process.exit(2);
}
const figures = await commands[command]();
console.log(Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`).join(", "));
process.exit(0);
