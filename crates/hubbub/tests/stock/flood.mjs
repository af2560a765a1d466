// A client that asks for far too much, as a process of its own: `node flood.mjs SECONDS RATE URL...`. It writes RATE frames a
// second, or as fast as it can where that is 0, until it reads that it is closed. Then it comes back, to each address in
// turn. It prints one JSON line for each connection: frames written, milliseconds until the close frame, and its code.

import { request } from "node:http";

const [, , seconds, rate, ...urls] = process.argv;
const until = performance.now() + Number(seconds) * 1000;

/** One masked text frame; the mask is zero, so the text stands there as it is. */
function frame(text) {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

const FRAME = frame('{"type":"ping"}');
const AT_ONCE = 500;
/** Milliseconds between two writes at a pace. */
const EVERY = 4;
const BATCH = Buffer.concat(Array(AT_ONCE).fill(FRAME));

/** An upgraded connection, without a library between it and the kernel. */
function upgraded(url) {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return new Promise((resolve, reject) => {
    const asked = request(url.replace(/^ws/, "http"), { headers });
    asked.on("error", reject);
    asked.on("response", ({ statusCode }) => reject(new Error(`answered with ${statusCode}`)));
    asked.on("upgrade", (_, socket, head) => resolve({ socket, head }));
    asked.end();
  });
}

/** The code of a close frame, if these bytes are whole frames up to one. */
function closedWith(bytes) {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const isLong = bytes[at + 1] === 126;
    if (isLong && at + 4 > bytes.length) return undefined;
    const begin = at + (isLong ? 4 : 2);
    if (bytes[at] === 0x88) return begin + 2 <= bytes.length ? bytes.readUInt16BE(begin) : undefined;
    at = begin + (isLong ? bytes.readUInt16BE(at + 2) : bytes[at + 1]);
  }
  return undefined;
}

/** Writes as many frames as are due, every few milliseconds. */
function paced(socket, began) {
  let sent = 0;
  const write = () => {
    const due = Math.ceil((Number(rate) * (performance.now() + 2 * EVERY - began)) / 1000) - sent;
    for (let left = due; left > 0; left -= AT_ONCE) socket.write(BATCH.subarray(0, Math.min(left, AT_ONCE) * FRAME.length));
    sent += due;
  };
  const timer = setInterval(write, EVERY);
  write();
  return () => clearInterval(timer);
}

/** Writes whenever there is room. */
function unbounded(socket) {
  const write = () => {
    while (socket.writable && socket.write(BATCH));
  };
  socket.on("drain", write);
  write();
  return () => socket.off("drain", write);
}

/** Writes until it reads that it is closed. */
async function flood(url) {
  const { socket, head } = await upgraded(url);
  const [began, before] = [performance.now(), socket.bytesWritten];
  let heard = head;
  const closed = new Promise((resolve) => {
    socket.on("data", (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      if (closedWith(heard)) resolve();
    });
    for (const end of ["error", "close"]) socket.once(end, resolve);
  });
  const stop = Number(rate) > 0 ? paced(socket, began) : unbounded(socket);
  await closed;
  stop();
  const milliseconds = performance.now() - began;
  // What still waits in this process was not sent.
  const frames = Math.floor((socket.bytesWritten - before - socket.writableLength) / FRAME.length);
  socket.destroy();
  return { frames, milliseconds, code: closedWith(heard) };
}

for (let turn = 0; performance.now() < until; turn += 1) {
  console.log(JSON.stringify(await flood(urls[turn % urls.length])));
}
