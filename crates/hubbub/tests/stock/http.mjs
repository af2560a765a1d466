// Requests as any HTTP client makes them, and upgrades that are refused. Knows no more of the server than its addresses.

import assert from "node:assert/strict";
import { request } from "node:http";
import { within } from "./program.mjs";

/** One request; its status, its headers and its body, whatever they are. */
export async function ask(address, token, method, path, body, more = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...more };
  if (body !== undefined) headers["content-type"] ??= "application/json";
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(address + path, { method, headers, body: text });
  const said = await answer.text();
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(said) : said };
}

/** One request that must be answered with this status; its body. */
export async function get(status, ...request) {
  const answer = await ask(...request);
  const [, , method, path] = request;
  assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** One request that must be refused with this status and this code, as a problem document. */
export async function refused(status, code, ...request) {
  const answer = await ask(...request);
  const [, , method, path] = request;
  const text = `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`;
  assert.deepEqual([answer.status, answer.body.code], [status, code], text);
  assert.match(answer.headers.get("content-type"), /^application\/problem\+json/, text);
  assert.equal(answer.body.status, status, text);
  return answer.body;
}

/** An upgrade that must be refused before it happens; the status and the problem document. */
export async function turnedAway(url, headers = {}) {
  const handshake = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const answered = new Promise((resolve, reject) => {
    const asked = request(url.replace(/^ws/, "http"), { headers: { ...handshake, ...headers } });
    asked.on("error", reject);
    asked.on("upgrade", (answer, socket) => {
      socket.destroy();
      reject(new Error(`${url}: upgraded`));
    });
    asked.on("response", (answer) => {
      let text = "";
      answer.on("data", (bytes) => (text += bytes));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
    });
    asked.end();
  });
  const { status, text } = await within(answered, `an answer from ${url}`);
  return { status, body: text.startsWith("{") ? JSON.parse(text) : text };
}
