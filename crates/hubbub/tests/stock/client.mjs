// A stock `ws` client with a memory: frames are taken one at a time, in the order in which they came.

import WebSocket from "ws";
import { within } from "./program.mjs";

/** One connection. Knows nothing of the server but JSON frames. */
export class Client {
  #frames = [];
  #waiting = [];
  #end;

  constructor(address, protocols = [], options = {}) {
    this.socket = new WebSocket(address, protocols, options);
    this.opened = new Promise((resolve, reject) => {
      this.socket.once("open", resolve);
      this.socket.once("error", reject);
    });
    this.socket.on("message", (data, isBinary) => this.#take(isBinary ? { binary: true } : JSON.parse(data)));
    // A connection that breaks says so by its close event.
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (code, reason) => {
        this.#end = { code, reason: reason.toString() };
        this.#waiting.splice(0).forEach(({ reject }) => reject(new Error(`closed with ${code} ${reason}`)));
        resolve(this.#end);
      });
    });
  }

  /** Connects with a token in the query, as clients in the field do. */
  static async of(host, token) {
    return new Client(`ws://${host}/?token=${token}`).open();
  }

  /** Waits until the upgrade is completed. */
  async open() {
    await within(this.opened, "the upgrade");
    return this;
  }

  #take(frame) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(frame);
    else this.#frames.push(frame);
  }

  /** Sends one frame. */
  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  /** The next frame. */
  next() {
    if (this.#frames.length > 0) return Promise.resolve(this.#frames.shift());
    if (this.#end) return Promise.reject(new Error(`closed with ${this.#end.code} ${this.#end.reason}`));
    return within(new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })), "a frame");
  }

  /** Everything up to the next frame of this type, which is the last one. */
  async until(type) {
    const frames = [];
    do frames.push(await this.next());
    while (frames.at(-1).type !== type);
    return frames;
  }

  /** Joins a room and returns the answer, which must be the next frame. */
  async join(roomId, more = {}) {
    this.send({ type: "join_room", roomId, ...more });
    const frame = await this.next();
    if (frame.type !== "joined") throw new Error(`expected joined, not ${JSON.stringify(frame)}`);
    return frame;
  }

  /** Says something. */
  say(roomId, message, more = {}) {
    this.send({ type: "chat", roomId, message, ...more });
  }

  /** Says something and waits until it is heard as the next frame. */
  async tell(roomId, message, more = {}) {
    this.say(roomId, message, more);
    const frame = await this.next();
    if (frame.type !== "chat" || frame.message !== message) {
      throw new Error(`expected ${message}, not ${JSON.stringify(frame)}`);
    }
    return frame;
  }

  /** Says goodbye. */
  async leave() {
    this.socket.close(1000);
    return within(this.closed, "the goodbye");
  }

  /** Breaks the connection without a word. */
  break() {
    this.socket.terminate();
  }
}
