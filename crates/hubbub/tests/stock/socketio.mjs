// A stock Socket.IO client with a memory, and a scene of people for one case. Knows events, not what they mean.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";
import { Client } from "./client.mjs";
import { within } from "./program.mjs";

/** Clients here send as fast as they can and sign in often, and nobody waits for the cluster's goodbye. */
export const SETTINGS = {
  HUBBUB_LIMITS__COMMANDS_PER_SECOND: "0",
  HUBBUB_LIMITS__COMMANDS_BURST: "0",
  HUBBUB_AUTH__LOGINS_PER_ADDRESS: "0",
  HUBBUB_SERVER__DRAIN: "2s",
};

/** The ways in: which of the cluster's balancers, by what it is called here. */
export const BALANCERS = { "rule by sid": "host", "plain round robin": "plain" };

/** What clients are told of transports. */
export const TRANSPORTS = {
  "websocket only": ["websocket"],
  "polling only": ["polling"],
  "default with upgrade": undefined,
};

const base64 = (value) => Buffer.from(value).toString("base64url");
const sign = (secret, text) => createHmac("sha256", secret).update(text).digest("base64url");
const seconds = () => Math.floor(Date.now() / 1000);

/** A token as any issuer makes one that has the cluster's secret. */
export function token(cluster, claims) {
  const secret = readFileSync(cluster.secretFile, "utf8");
  const text = `${base64('{"alg":"HS256","typ":"JWT"}')}.${base64(JSON.stringify({ exp: seconds() + 3600, ...claims }))}`;
  return `${text}.${sign(secret, text)}`;
}

/** A time from now, as tokens carry it. */
export const inSeconds = (count) => seconds() + count;

/** One socket. What it hears is taken one event of a name at a time, in the order in which they came. */
export class Socket {
  #heard = new Map();
  #waiting = new Map();

  constructor(address, options) {
    this.socket = io(address, { forceNew: true, ...options });
    this.socket.onAny((event, ...data) => this.#take(event, data));
    for (const event of ["connect", "connect_error", "disconnect"]) {
      this.socket.on(event, (...data) => this.#take(event, data));
    }
  }

  #take(event, data) {
    const waiting = this.#waiting.get(event)?.shift();
    if (waiting) waiting(data);
    else this.#heard.set(event, [...(this.#heard.get(event) ?? []), data]);
  }

  /** The name of the node that has this session. */
  get node() {
    return this.socket.io.engine.id.split(".")[0];
  }

  /** All that the next event of this name carries. */
  raw(event) {
    const heard = this.#heard.get(event);
    if (heard?.length > 0) return Promise.resolve(heard.shift());
    const next = new Promise((resolve) => this.#waiting.set(event, [...(this.#waiting.get(event) ?? []), resolve]));
    return within(next, `${event} at ${this.label ?? "a socket"}`);
  }

  /** What the next event of this name carries: one object, and for clients that recover the place behind it. */
  async next(event) {
    const [data, place, ...more] = await this.raw(event);
    assert.ok(more.length === 0 && ["undefined", "string"].includes(typeof place), `one argument of ${event}`);
    return data;
  }

  /** The first event of this name with which the condition holds; those before it are passed over. */
  async until(event, holds) {
    for (;;) {
      const data = await this.next(event);
      if (holds(data)) return data;
    }
  }

  /** Waits until it is let in or refused; returns why, where it is. */
  async refusal() {
    const answered = new Promise((resolve) => {
      this.socket.once("connect", () => resolve());
      this.socket.once("connect_error", resolve);
    });
    const error = await within(answered, `an answer to ${this.label ?? "a socket"}`);
    await this.raw(error ? "connect_error" : "connect");
    return error;
  }

  /** How many events of this name were heard and not taken. */
  pending(event) {
    return this.#heard.get(event)?.length ?? 0;
  }

  /** Sends one event and returns its acknowledgement, whatever it says. */
  ask(event, ...data) {
    return within(this.socket.emitWithAck(event, ...data), `the acknowledgement of ${event}`);
  }

  /** Sends one event, which must be acknowledged with success. */
  async tell(event, ...data) {
    const answer = await this.ask(event, ...data);
    assert.equal(answer.ok, true, `${event} ${JSON.stringify(data)}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Sends one event, which must be refused with this code. */
  async refused(code, event, ...data) {
    const answer = await this.ask(event, ...data);
    const text = `${event} ${JSON.stringify(data)}: ${JSON.stringify(answer)}`.slice(0, 400);
    assert.equal(answer.ok, false, text);
    assert.equal(answer.error.code, code, text);
    assert.equal(typeof answer.error.message, "string", text);
  }

  /** Sends one event without asking for an acknowledgement. */
  say(event, ...data) {
    this.socket.emit(event, ...data);
  }

  /** Says goodbye. */
  leave() {
    this.socket.disconnect();
  }
}

/** The people of one case, and what must be closed behind them. */
export class Scene {
  #open = [];
  #names = randomUUID().slice(0, 8);
  #rooms = 0;

  constructor(cluster, address, options) {
    Object.assign(this, { cluster, address, options });
    this.host = new URL(address).host;
  }

  /** Somebody nobody else has met; the gateway knows them from here on. */
  async person(name, claims = {}) {
    const id = `${name}-${this.#names}`;
    const person = { id, username: name, token: token(this.cluster, { sub: id, username: name, ...claims }) };
    await this.http(person, "GET", "/api/me");
    return person;
  }

  /** A room nobody else is in, as a number that can be written as text. */
  room() {
    return parseInt(this.#names, 16) * 100 + ++this.#rooms;
  }

  /** A request with the person's token; its answer, which must be a good one. */
  async http(person, method, path, body) {
    const headers = { authorization: `Bearer ${person.token}`, "content-type": "application/json" };
    const answer = await fetch(this.address + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  /** A chat of these people; the first one owns it. Returns its id. */
  async chat(...[owner, ...others]) {
    const participantIds = others.map(({ id }) => id);
    return (await this.http(owner, "POST", "/api/chats", { title: "a chat", participantIds })).id;
  }

  /** A socket that may or may not come to be connected. */
  dial(options) {
    const socket = new Socket(this.address, { ...this.options, ...options });
    this.#open.push(() => socket.leave());
    return socket;
  }

  /** Connects with the person's token, on another node than that of `apart`, if given. */
  async connect(person, { apart, ...options } = {}) {
    for (let tries = 1; ; tries++) {
      const socket = this.dial({ auth: { token: person.token }, ...options });
      socket.label = person.username;
      const error = await socket.refusal();
      if (!error && socket.node !== apart?.node) return socket;
      socket.leave();
      // Those that came to the wrong node and left a moment ago may still be counted.
      const isCrowded = tries > 1 && error?.data?.code === "too_many_connections";
      if (error && !isCrowded) throw error;
    }
  }

  /** The sockets of two people on two nodes. */
  async apart(first, second) {
    const one = await this.connect(first);
    return [one, await this.connect(second, { apart: one })];
  }

  /** A chat of two people, whose sockets are on two nodes. */
  async talk() {
    const [alice, bob] = await Promise.all([this.person("Alice"), this.person("Bob")]);
    const chatId = await this.chat(alice, bob);
    const [a, b] = await this.apart(alice, bob);
    return { alice, bob, chatId, a, b };
  }

  /** A raw WebSocket client on the same balancer. */
  async raw(person) {
    const client = await Client.of(this.host, person.token);
    this.#open.push(() => client.break());
    return client;
  }

  /** Ends everybody's connections. */
  close() {
    this.#open.forEach((end) => end());
  }
}
