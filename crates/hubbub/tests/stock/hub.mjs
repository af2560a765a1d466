// Stock `ws` clients at any raw door, with a memory that is asked by type; and people on nodes of our choice.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import WebSocket from "ws";
import { get } from "./http.mjs";
import { PATIENCE, within } from "./program.mjs";
import { Socket, token } from "./socketio.mjs";

export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const NOWHERE = "018f0000-0000-7000-8000-000000000000";

/** Clients here send as fast as they can and connect as often as they like. */
export const UNLIMITED = {
  HUBBUB_LIMITS__MAX_CONNECTIONS_PER_USER: "0",
  HUBBUB_LIMITS__COMMANDS_PER_SECOND: "0",
  HUBBUB_LIMITS__COMMANDS_BURST: "0",
  HUBBUB_SERVER__DRAIN: "2s",
};

/** One connection. Every frame stays in its memory until it is taken. */
export class Line {
  #waiting = [];
  #marks = 0;
  /** Frames that nobody has taken, oldest first. */
  kept = [];
  /** How it ended, if it did. */
  end = null;

  constructor(url, { protocols = [], headers } = {}) {
    this.socket = new WebSocket(url, protocols, { headers });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once("open", resolve);
      this.socket.once("error", reject);
    });
    // A connection that breaks says so by its close event.
    this.opened.catch(() => {});
    this.socket.on("error", () => {});
    this.socket.on("message", (data) => this.#hear(JSON.parse(data)));
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (code, reason) => {
        this.end = { code, reason: reason.toString() };
        this.#waiting.splice(0).forEach(({ fail }) => fail(new Error(`closed with ${code} ${reason}`)));
        resolve(this.end);
      });
    });
  }

  #hear(frame) {
    const index = this.#waiting.findIndex(({ fits }) => fits(frame));
    if (index < 0) this.kept.push(frame);
    else this.#waiting.splice(index, 1)[0].take(frame);
  }

  /** The first frame that nobody has taken and that fits. */
  first(fits, what, patience = PATIENCE) {
    const index = this.kept.findIndex(fits);
    if (index >= 0) return Promise.resolve(this.kept.splice(index, 1)[0]);
    if (this.end) return Promise.reject(new Error(`${what}: closed with ${this.end.code} ${this.end.reason}`));
    const coming = new Promise((take, fail) => this.#waiting.push({ fits, take, fail }));
    return within(coming, `${what} at ${this.label ?? "a client"}`, patience).catch((error) => {
      error.message += `; it has ${JSON.stringify(this.kept).slice(0, 600)}`;
      throw error;
    });
  }

  /** The first frame of this type, with these fields if any are given. */
  next(type, fields = {}, patience = PATIENCE) {
    const fits = (frame) => frame.type === type && Object.entries(fields).every(([name, value]) => frame[name] === value);
    return this.first(fits, `${type} ${JSON.stringify(fields)}`, patience);
  }

  /** How many frames of this type nobody has taken. */
  pending(type) {
    return this.kept.filter((frame) => frame.type === type).length;
  }

  /** Sends one frame: an object as JSON, a text or bytes as they are. */
  send(frame) {
    const isRaw = typeof frame === "string" || Buffer.isBuffer(frame);
    this.socket.send(isRaw ? frame : JSON.stringify(frame));
  }

  /** Sends a frame with a fresh mark and returns the answer that repeats it. */
  ask(frame) {
    const ref = `r${++this.#marks}`;
    this.send({ ...frame, ref });
    return this.first((answer) => answer.ref === ref, `the answer to ${JSON.stringify(frame).slice(0, 200)}`);
  }

  /** Sends a frame that must be answered with this type; the answer without type and mark. */
  async answered(expected, frame) {
    const { type, ref, ...rest } = await this.ask(frame);
    assert.equal(type, expected, `${JSON.stringify(frame).slice(0, 200)}: ${JSON.stringify({ type, ...rest }).slice(0, 400)}`);
    return rest;
  }

  /** Sends a frame that must be acknowledged. */
  tell(frame) {
    return this.answered("ack", frame);
  }

  /** Sends a frame that must be refused with this code. */
  async refused(code, frame) {
    const error = await this.answered("error", frame);
    assert.equal(error.code, code, `${JSON.stringify(frame).slice(0, 200)}: ${JSON.stringify(error)}`);
    assert.equal(typeof error.message, "string");
    return error;
  }

  /** Waits until everything that was sent before is answered, and returns what stands in memory then. */
  async settle() {
    await this.answered("pong", { type: "ping" });
    return this.kept;
  }

  /** Joins a room. */
  enter(roomId, more = {}) {
    return this.answered("joined", { type: "join_room", roomId, ...more });
  }

  /** Waits for the end, which must be this one. */
  async ends(code, reason, patience = PATIENCE) {
    const end = await within(this.closed, `the end of ${this.label ?? "a client"}`, patience);
    assert.deepEqual(end, reason === undefined ? { ...end, code } : { code, reason });
    return end;
  }

  /** Says goodbye. */
  leave() {
    this.socket.close(1000);
    return within(this.closed, "the goodbye");
  }

  /** Breaks the connection without a word. */
  break() {
    this.socket.terminate();
  }
}

/** People, where they are connected, and what must be closed behind them. */
export class Hall {
  #open = [];
  #rooms = 0;
  #mark = randomUUID().slice(0, 8);

  constructor(cluster) {
    this.cluster = cluster;
  }

  /** The address of a gateway. */
  at(node) {
    return this.cluster.gateways[node].address;
  }

  /** Somebody nobody else has met. */
  person(name, claims = {}) {
    const id = claims.userId ?? `${name}-${this.#mark}-${randomUUID().slice(0, 4)}`;
    return { id, username: name, token: token(this.cluster, { sub: `${id}`, username: name, ...claims }) };
  }

  /** Somebody whom the database knows. */
  async known(name, claims = {}) {
    const person = this.person(name, claims);
    await get(200, this.at(0), person.token, "GET", "/api/me");
    return person;
  }

  /** A room that nobody else is in. */
  room(name = "room") {
    return `${name}-${this.#mark}-${++this.#rooms}`;
  }

  /** A chat of these people, whom the database knows; the first one owns it. */
  async chat(owner, ...others) {
    const participantIds = others.map(({ id }) => id);
    return (await get(201, this.at(0), owner.token, "POST", "/api/chats", { title: "a chat", participantIds })).id;
  }

  /** A connection that may or may not come to stand. */
  dial(person, { node = 0, path = "/ws", ...options } = {}) {
    const query = person ? `?token=${person.token}` : "";
    const line = new Line(this.at(node).replace(/^http/, "ws") + path + query, options);
    line.label = `${person?.username} at ${path} of node ${node}`;
    this.#open.push(() => line.break());
    return line;
  }

  /** A connection at the hub door; `welcome` is what it was told at first. */
  async hub(person, options) {
    const line = this.dial(person, options);
    line.welcome = await line.next("welcome");
    return line;
  }

  /** A connection at the first door. */
  async rooms(person, options) {
    const line = this.dial(person, { path: "/", ...options });
    await within(line.opened, "the upgrade");
    return line;
  }

  /** A connection at the door of an event. */
  async watch(event, person, options) {
    const line = this.dial(person, { path: `/ws/events/${event}`, ...options });
    line.welcome = await line.next("connection_established");
    return line;
  }

  /** A Socket.IO client that may or may not be let in. */
  ring(person, { node = 0, ...options } = {}) {
    const socket = new Socket(this.at(node), { auth: { token: person.token }, transports: ["websocket"], reconnection: false, ...options });
    socket.label = `${person.username} at Socket.IO of node ${node}`;
    this.#open.push(() => socket.leave());
    return socket;
  }

  /** A connected Socket.IO client. */
  async io(person, options) {
    const socket = this.ring(person, options);
    const error = await socket.refusal();
    if (error) throw error;
    return socket;
  }

  /** The lines of a gateway's log that hold all of these texts. */
  logged(node, ...texts) {
    const path = join(this.cluster.folder, "state", "log", `${this.cluster.gateways[node].name}.log`);
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.filter((line) => texts.every((text) => line.includes(text)));
  }

  /** Ends everybody's connections. */
  close() {
    this.#open.splice(0).forEach((end) => end());
  }
}
