// Stock socket.io over Redis, to be measured beside the gateway.
//
// Owns the words of the live vocabulary as such an application says them: join_room, send_message, receive_message and
// their acknowledgements. Keeps nothing: no history, no order across nodes, no repeats recognised. Every option of
// socket.io but the adapter is its default.
//
// Environment: PORT, REDIS_URL, JWT_SECRET.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PORT, REDIS_URL, JWT_SECRET } = process.env;
const node = randomBytes(4).toString("hex");
let said = 0;

const publisher = createClient({ url: REDIS_URL });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) client.on("error", fail);
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer((_, response) => response.end());
const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });

io.use((socket, next) => {
  socket.data.user = identify(socket.handshake.auth.token);
  if (socket.data.user) return next();
  const refusal = new Error("Authentication error");
  refusal.data = { code: "unauthorized" };
  next(refusal);
});

io.on("connection", (socket) => {
  const { userId, username } = socket.data.user;

  socket.on("join_room", ({ roomId }, acknowledge) => {
    for (const room of socket.rooms) if (room !== socket.id) socket.leave(room);
    socket.join(roomId);
    acknowledge?.({ ok: true, roomId });
  });

  socket.on("send_message", (message, acknowledge) => {
    if (!socket.rooms.has(message.roomId)) {
      return acknowledge?.({ ok: false, error: { code: "not_in_room", message: "join the room first" } });
    }
    const seq = ++said;
    const id = `${node}-${seq}`;
    const sentAt = new Date().toISOString();
    io.to(message.roomId).emit("receive_message", { ...message, userId, username, id, seq, sentAt });
    acknowledge?.({ ok: true, id, seq });
  });
});

http.listen(Number(PORT), "127.0.0.1");

/** The user that an HS256 token names; undefined where it is no good. */
function identify(token) {
  const [head, body, signature] = String(token).split(".");
  const wanted = createHmac("sha256", JWT_SECRET).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature ?? "", "base64url");
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const { sub, username, exp } = JSON.parse(Buffer.from(body, "base64url").toString());
  return exp * 1000 > Date.now() ? { userId: sub, username } : undefined;
}

/** Without Redis there is nothing to measure. */
function fail(error) {
  console.error(error);
  process.exit(1);
}
