// `hubbub dev` and unmodified clients: talk, restart, resume.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Client } from "./client.mjs";
import { Dev, eventually, within } from "./program.mjs";

/** Without a limit of commands, for tests that are about something else. */
const UNHURRIED = ["limits.commands_per_second=0", "limits.commands_burst=0"];

const texts = (frames) => frames.map((frame) => frame.message);
const seqs = (frames) => frames.map((frame) => frame.seq);
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("one run", () => {
  let dev;
  let rooms = 0;
  const fresh = () => `room-${++rooms}`;
  before(async () => (dev = await Dev.start(UNHURRIED)));
  after(() => dev.remove());

  const connect = async (user) => Client.of(dev.host, await dev.mint(user));

  /** A room in which these many messages were said; nobody is left in it. */
  async function told(count, text = (number) => `message ${number}`) {
    const room = fresh();
    const writer = await connect("writer");
    await writer.join(room);
    for (let number = 1; number <= count; number++) writer.say(room, text(number));
    for (let number = 1; number <= count; number++) assert.equal((await writer.next()).seq, number);
    await writer.leave();
    return room;
  }

  test("two clients hear each other and themselves, with the same fields", async () => {
    const room = fresh();
    const alice = await Client.of(dev.host, dev.token("Alice"));
    const bob = await Client.of(dev.host, dev.token("Bob"));
    const first = await alice.join(room);
    assert.deepEqual(first, { type: "joined", roomId: room, seq: 0, epoch: 1, history: [], members: 1 });
    assert.equal((await bob.join(room)).members, 2);
    const own = await alice.tell(room, "hello");
    assert.deepEqual(await bob.next(), own);
    const { id, sentAt, ...rest } = own;
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(sentAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.now() - Date.parse(sentAt)) < 60_000);
    const expected = { type: "chat", roomId: room, message: "hello", userId: "alice", username: "Alice", seq: 1, epoch: 1 };
    assert.deepEqual(rest, expected);
    assert.equal((await bob.tell(room, "hello yourself")).seq, 2);
    assert.deepEqual(texts([await alice.next()]), ["hello yourself"]);
    await Promise.all([alice.leave(), bob.leave()]);
  });

  test("a room id comes back as the number or the string that it was joined with", async () => {
    const room = 4_000_000 + ++rooms;
    const number = await connect("number");
    const string = await connect("string");
    assert.strictEqual((await number.join(room)).roomId, room);
    assert.strictEqual((await string.join(`${room}`)).roomId, `${room}`);
    // The type of the join counts, not the one of the message.
    assert.strictEqual((await number.tell(`${room}`, "one room")).roomId, room);
    assert.strictEqual((await string.next()).roomId, `${room}`);
    assert.strictEqual((await string.join(room)).roomId, room, "the last type wins");
    assert.strictEqual((await string.tell(room, "again")).roomId, room);
    await number.next();
    number.send({ type: "leave_room", roomId: room });
    assert.deepEqual(await number.next(), { type: "left", roomId: room });
    await Promise.all([number.leave(), string.leave()]);
  });

  test("joining twice is harmless", async () => {
    const room = fresh();
    const client = await connect("twice");
    await client.join(room);
    await client.tell(room, "once");
    const again = await client.join(room);
    assert.deepEqual([again.members, again.seq], [1, 1]);
    assert.equal((await client.tell(room, "still once")).seq, 2);
    assert.equal((await client.tell(room, "and no echo of an echo")).seq, 3);
    await client.leave();
  });

  test("who has left hears no more of the room, and of others still does", async () => {
    const [left, kept] = [fresh(), fresh()];
    const client = await connect("leaver");
    const other = await connect("other");
    for (const each of [client, other]) for (const room of [left, kept]) await each.join(room);
    for (const field of ["room", "roomId"]) {
      client.send({ type: "leave_room", [field]: left });
      assert.deepEqual(await client.next(), { type: "left", roomId: left });
      await other.tell(left, "behind your back");
      await other.tell(kept, "to your face");
      assert.deepEqual(texts([await client.next()]), ["to your face"]);
    }
    assert.equal((await client.join(left, { history: 10 })).history.length, 2);
    await Promise.all([client.leave(), other.leave()]);
  });

  test("a repeated clientId is answered to its sender alone, with the first message", async () => {
    const room = fresh();
    const sender = await connect("sender");
    const second = await connect("sender");
    const other = await connect("listener");
    for (const each of [sender, second, other]) await each.join(room);
    const first = await sender.tell(room, "said once", { clientId: "c-1" });
    assert.equal(first.clientId, "c-1");
    sender.say(room, "said otherwise", { clientId: "c-1" });
    assert.deepEqual(await sender.next(), first);
    second.say(room, "from another connection", { clientId: "c-1" });
    const heardBySecond = [await second.next(), await second.next()];
    assert.deepEqual(heardBySecond, [first, first], "the message, then the answer");
    // The same clientId of somebody else, or in another room, is something else.
    assert.equal((await other.until("chat")).at(-1).message, "said once");
    assert.equal((await other.tell(room, "mine", { clientId: "c-1" })).seq, 2);
    assert.deepEqual(texts([await sender.next(), await second.next()]), ["mine", "mine"]);
    assert.equal((await other.join(room)).seq, 2);
    await Promise.all([sender.leave(), second.leave(), other.leave()]);
  });

  test("history has as many messages as asked for, the newest, oldest first", async () => {
    const room = await told(60);
    const client = await connect("reader");
    for (const [asked, first] of [[{}, 11], [{ history: 5 }, 56], [{ history: 60 }, 1], [{ history: 100 }, 1]]) {
      const joined = await client.join(room, asked);
      assert.deepEqual([joined.seq, seqs(joined.history)], [60, range(first, 60)]);
      assert.ok(!("recovered" in joined));
    }
    assert.deepEqual((await client.join(room, { history: 0 })).history, []);
    assert.deepEqual(texts((await client.join(room, { history: 2 })).history), ["message 59", "message 60"]);
    await client.leave();
  });

  test("a resume shows what was missed, once and without a gap, and says that it is complete", async () => {
    const room = await told(30);
    const client = await connect("resumer");
    const joined = await client.join(room, { since: 12, epoch: 1 });
    assert.equal(joined.recovered, true);
    assert.deepEqual([joined.seq, seqs(joined.history)], [30, range(13, 30)]);
    assert.equal((await client.tell(room, "live again")).seq, 31);
    client.break();
    const back = await connect("resumer");
    const nothing = await back.join(room, { since: 31, epoch: 1 });
    assert.deepEqual([nothing.recovered, nothing.seq, nothing.history], [true, 31, []]);
    const beginning = await back.join(room, { since: 0 });
    assert.equal(beginning.recovered, true);
    assert.deepEqual(beginning.history, [], "what this connection knows already is not repeated");
    const fromTheBeginning = await connect("late");
    const all = await fromTheBeginning.join(room, { since: 0 });
    assert.deepEqual([all.recovered, seqs(all.history)], [true, range(1, 31)]);
    await Promise.all([back.leave(), fromTheBeginning.leave()]);
  });

  test("a resume from above the head or from another epoch is not called complete", async () => {
    const room = await told(60);
    for (const from of [{ since: 61 }, { since: 9_000_000, epoch: 1 }, { since: 30, epoch: 2 }]) {
      const client = await connect("stranger");
      const { recovered, seq, history } = await client.join(room, from);
      assert.deepEqual([recovered, seq, seqs(history)], [false, 60, range(11, 60)], JSON.stringify(from));
      await client.leave();
    }
    const client = await connect("stranger");
    const short = await client.join(room, { since: 61, history: 3 });
    assert.deepEqual([short.recovered, seqs(short.history)], [false, range(58, 60)]);
    assert.equal((await client.tell(room, "from here on")).seq, 61);
    await client.leave();
  });

  test("missed messages above 16 KiB come as frames before the answer, whose history is empty", async () => {
    const room = await told(40, (number) => `${number} `.padEnd(1000, "x"));
    const client = await connect("slow");
    client.send({ type: "join_room", roomId: room, since: 0, epoch: 1 });
    const frames = await client.until("joined");
    const joined = frames.pop();
    assert.ok(frames.every((frame) => frame.type === "chat"));
    assert.deepEqual(seqs(frames), range(1, 40));
    assert.deepEqual([joined.recovered, joined.seq, joined.history], [true, 40, []]);
    await client.leave();
  });

  test("a gap of 1,000 is filled, one of 1,001 is answered with the newest page", async () => {
    const room = await told(1001);
    const [filled, refused] = [await connect("in time"), await connect("too late")];
    filled.send({ type: "join_room", roomId: room, since: 1, epoch: 1 });
    const frames = await filled.until("joined");
    const joined = frames.pop();
    assert.deepEqual([joined.recovered, joined.seq, joined.history], [true, 1001, []]);
    assert.deepEqual(seqs(frames), range(2, 1001));
    const page = await refused.join(room, { since: 0, epoch: 1 });
    assert.deepEqual([page.recovered, page.seq, seqs(page.history)], [false, 1001, range(952, 1001)]);
    assert.equal((await refused.tell(room, "from here on")).seq, 1002);
    await Promise.all([filled.leave(), refused.leave()]);
  });

  test("a client that resumes while others talk misses nothing and hears nothing twice", async () => {
    const room = fresh();
    const talker = await connect("talker");
    await talker.join(room);
    const count = 400;
    const heard = (async () => {
      for (let number = 1; number <= count; number++) await talker.tell(room, `number ${number}`);
    })();
    let [last, seen] = [0, []];
    while (last < count) {
      const client = await connect("restless");
      client.send({ type: "join_room", roomId: room, since: last, epoch: 1 });
      const frames = await client.until("joined");
      const joined = frames.pop();
      assert.equal(joined.recovered, true);
      frames.push(...joined.history);
      while (frames.length < 20 && (frames.at(-1)?.seq ?? last) < count) frames.push(await client.next());
      client.break();
      seen.push(...seqs(frames));
      last = seen.at(-1) ?? last;
    }
    await heard;
    assert.deepEqual(seen, range(1, count));
    await talker.leave();
  });

  test("the token may be in the query, the Authorization header, the cookie or a subprotocol", async () => {
    const room = fresh();
    const token = await dev.mint("porter", ["username=Porter"]);
    const address = `ws://${dev.host}/`;
    const places = {
      query: [`${address}?token=${token}`],
      header: [address, [], { headers: { Authorization: `Bearer ${token}` } }],
      cookie: [address, [], { headers: { Cookie: `theme=dark; token=${token}` } }],
      subprotocol: [address, ["hubbub.bearer", token]],
    };
    for (const [place, given] of Object.entries(places)) {
      const client = await new Client(...given).open();
      assert.equal(client.socket.protocol, place === "subprotocol" ? "hubbub.bearer" : "", place);
      await client.join(room);
      const { userId, username } = await client.tell(room, `through the ${place}`);
      assert.deepEqual([userId, username], ["porter", "Porter"], place);
      await client.leave();
    }
  });

  test("without a token or with a bad one the socket opens and is closed with 1008", async () => {
    for (const [path, reason] of [["/", "Authentication token required"], ["/?token=bad", "Invalid authentication token"]]) {
      const client = await new Client(`ws://${dev.host}${path}`).open();
      assert.deepEqual(await within(client.closed, "the close"), { code: 1008, reason });
    }
  });
});

describe("a restart", () => {
  let dev;
  beforeEach(async () => (dev = await Dev.start()));
  afterEach(() => dev.remove());

  test("by Ctrl-C keeps the history, the epoch, the numbers and the tokens", async () => {
    const alice = await Client.of(dev.host, dev.token("Alice"));
    await alice.join("kept");
    for (const text of ["one", "two", "three"]) await alice.tell("kept", text, { clientId: text });
    assert.equal(await dev.end("SIGINT"), 0);
    const frames = await alice.until("reconnect");
    assert.ok(frames[0].retryAfterMs >= 0);
    assert.deepEqual(await alice.closed, { code: 4001, reason: "draining" });

    const token = dev.token("Alice");
    await dev.again();
    const back = await Client.of(dev.host, token);
    const joined = await back.join("kept", { since: 1, epoch: 1 });
    assert.deepEqual([joined.recovered, joined.epoch, joined.seq, texts(joined.history)], [true, 1, 3, ["two", "three"]]);
    const repeated = await back.join("kept", { history: 50 });
    assert.deepEqual(texts(repeated.history), ["one", "two", "three"]);
    assert.equal((await back.tell("kept", "four")).seq, 4);
    const others = await Client.of(dev.host, dev.token("Bob"));
    assert.deepEqual(texts((await others.join("kept")).history), ["one", "two", "three", "four"]);
  });

  test("after kill -9 shows the history in a new epoch that goes on above it", async () => {
    const alice = await Client.of(dev.host, dev.token("Alice"));
    const before = await alice.join("killed");
    const last = await alice.tell("killed", "before the end");
    // Written, not only accepted: the embedded mode may lose its last milliseconds.
    await eventually(async () => (await dev.metric("hubbub_persister_entries_total")) >= 1, "the message is stored");
    assert.equal(await dev.end("SIGKILL"), "SIGKILL");
    assert.deepEqual((await alice.closed).code, 1006);

    await dev.again();
    const back = await Client.of(dev.host, dev.token("Alice"));
    const joined = await back.join("killed", { since: last.seq, epoch: before.epoch });
    assert.equal(joined.recovered, false, "what was lost is unknown, so it is not called complete");
    assert.deepEqual(texts(joined.history), ["before the end"]);
    assert.ok(joined.epoch > before.epoch, `${joined.epoch} above ${before.epoch}`);
    const next = await back.tell("killed", "after it");
    assert.equal(next.epoch, joined.epoch);
    assert.ok(next.seq > last.seq, `${next.seq} above ${last.seq}`);
    assert.equal((await back.tell("killed", "and on")).seq, next.seq + 1);
    const bob = await Client.of(dev.host, dev.token("Bob"));
    const all = await bob.join("killed");
    assert.deepEqual(texts(all.history), ["before the end", "after it", "and on"]);
    const page = await history("killed");
    assert.deepEqual(texts(page), ["before the end", "after it", "and on"]);
  });

  async function history(room) {
    const headers = { authorization: `Bearer ${dev.token("Alice")}` };
    const answer = await fetch(`http://${dev.host}/api/rooms/room:${room}/messages`, { headers });
    assert.equal(answer.status, 200);
    return (await answer.json()).messages;
  }
});
