// The built-in client: one room over one WebSocket, resumed after every break.
// Everything that comes from the network is shown as text nodes, never as markup.

const $ = (id) => document.getElementById(id);
const ui = Object.fromEntries(
  ["status", "connect", "credentials", "token", "room", "disconnect", "identity", "claims", "conversation",
    "room-title", "members", "older", "log", "say", "text"].map((id) => [id, $(id)]),
);

const BACKOFF = { first: 500, most: 20000 };
const RETRY = { least: 250, spread: 500 }; // on top of what the server asks for
const KEPT = 1000; // messages in the page; older ones can be fetched again

const CLOSED = {
  1000: "The connection was closed.",
  1001: "The server went away.",
  1006: "The connection broke.",
  1008: "The server refused the token.",
  1009: "A message was too large for the server.",
  4001: "This server is being restarted; moving to another one.",
  4008: "This browser read too slowly; catching up.",
  4010: "The server lost our place in the room; joining again.",
  4401: "The token has expired. Paste a fresh one.",
  4429: "Too many commands. Waiting before the next try.",
  4500: "The server could not understand this client and asked it to stay away.",
  4503: "You were removed by an operator.",
  4509: "You have too many connections open. Close another one first.",
};
const staysAway = (code) => code === 1008 || code === 4401 || (code >= 4500 && code <= 4999);

const JOIN = "join"; // marks the answers to a join; those to a message carry its clientId

const session = {
  socket: null, token: "", room: "", wanted: false, attempt: 0, timer: 0, retryAfter: 0,
  position: null, // {epoch, seq}: everything up to here was shown
  seen: new Set(), // ids that are in the page
  oldest: null, // seq below which older messages may be asked for
  outbox: new Map(), // clientId -> {text, item}: said, but not heard back yet
};

// --- what is shown -----------------------------------------------------------------------------

function status(text, state) {
  ui.status.textContent = text;
  ui.status.dataset.state = state;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function line(message) {
  const item = element("li");
  const who = element("span", "who", message.username || String(message.userId ?? "me"));
  if (String(message.userId) === session.me) who.classList.add("mine");
  const when = element("time");
  const date = new Date(message.sentAt);
  if (!Number.isNaN(date.valueOf())) {
    when.dateTime = message.sentAt;
    when.textContent = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    when.title = date.toLocaleString();
  }
  const said = message.deletedAt ? "(withdrawn)" : message.unreadable ? "(cannot be read)" : message.message;
  const what = element("p", "what", said + (message.editedAt ? " (edited)" : ""));
  item.append(who, when, what);
  return item;
}

function note(text) {
  ui.log.append(element("li", "note", text));
  toBottom();
}

function toBottom() {
  ui.log.scrollTop = ui.log.scrollHeight;
}

function append(message) {
  if (session.seen.has(message.id)) return;
  session.seen.add(message.id);
  const atBottom = ui.log.scrollHeight - ui.log.scrollTop - ui.log.clientHeight < 60;
  const mine = session.outbox.get(message.clientId);
  const item = line(message);
  if (mine) {
    session.outbox.delete(message.clientId);
    mine.item.remove();
  }
  // What is still on its way stays below what has a place in the room.
  ui.log.insertBefore(item, ui.log.querySelector("li.pending"));
  while (ui.log.childElementCount > KEPT) ui.log.firstElementChild.remove();
  if (atBottom || mine) toBottom();
}

function clear() {
  ui.log.replaceChildren();
  session.seen.clear();
  session.oldest = null;
  for (const { item } of session.outbox.values()) ui.log.append(item);
}

function showOlder(from) {
  session.oldest = from;
  ui.older.hidden = !(from > 1);
}

// --- the token ---------------------------------------------------------------------------------

function claimsOf(token) {
  try {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function introduce(token) {
  const claims = claimsOf(token);
  session.me = claims ? String(claims.userId ?? claims.sub) : undefined;
  ui.identity.hidden = !claims;
  if (!claims) return;
  const until = claims.exp ? new Date(claims.exp * 1000).toLocaleString() : "no end; the server sets one";
  const rows = [
    ["User", claims.userId ?? claims.sub ?? "missing"],
    ["Name", claims.username ?? claims.name ?? "none"],
    ["Role", claims.role ?? "user"],
    ["Valid until", until],
    ["Rooms", Array.isArray(claims.rooms) ? claims.rooms.join(", ") || "none" : "all"],
  ];
  ui.claims.replaceChildren(...rows.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", String(value))]));
}

// --- the connection ----------------------------------------------------------------------------

function open() {
  clearTimeout(session.timer);
  status("Connecting…", "waiting");
  const address = new URL("/", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  let socket;
  try {
    // In the subprotocol, so that no proxy logs the token with the address.
    socket = new WebSocket(address, ["hubbub.bearer", session.token]);
  } catch {
    session.wanted = false;
    status("That is not a token", "over");
    return;
  }
  session.socket = socket;
  socket.onopen = join;
  socket.onmessage = (event) => session.socket === socket && hear(JSON.parse(event.data));
  socket.onclose = (event) => session.socket === socket && ended(event.code, event.reason);
}

function send(frame) {
  if (session.socket?.readyState !== WebSocket.OPEN) return false;
  session.socket.send(JSON.stringify(frame));
  return true;
}

function join() {
  const resume = session.position ? { since: session.position.seq, epoch: session.position.epoch } : { history: 50 };
  send({ type: "join_room", roomId: session.room, ref: JOIN, ...resume });
}

const heard = {
  joined(frame) {
    session.attempt = 0;
    if (frame.recovered === false || !session.position) clear();
    if (frame.recovered === false) note("Some messages were missed; these are the newest.");
    frame.history.filter((event) => (event.type ?? "chat") === "chat").forEach(append);
    if (session.oldest === null) showOlder(frame.history[0]?.seq ?? 0);
    session.position = { epoch: frame.epoch, seq: frame.seq };
    // This door tells the number at the join and never again.
    ui.members.textContent = frame.members === 1 ? "nobody else was here when you came" : `${frame.members} people when you came`;
    status("Connected", "live");
    ui.credentials.hidden = true;
    for (const [clientId, { text }] of session.outbox) say(clientId, text);
    toBottom();
  },
  chat(frame) {
    append(frame);
    if (session.position && frame.seq > session.position.seq) session.position.seq = frame.seq;
  },
  resync(frame) {
    session.position = { epoch: frame.epoch, seq: frame.seq };
  },
  reconnect(frame) {
    session.retryAfter = frame.retryAfterMs;
  },
  error(frame) {
    if (frame.retryAfterMs !== undefined && frame.ref !== undefined) return retry(frame);
    const mine = session.outbox.get(frame.ref);
    if (mine) {
      session.outbox.delete(frame.ref);
      mine.item.remove();
    }
    const text = `${frame.message} (${frame.code})`;
    if (frame.ref === JOIN) {
      leave();
      status(text, "over");
    }
    note(text);
  },
};

/** The server has no room for it now: the same again, a little later than it asks for. */
function retry({ ref, retryAfterMs }) {
  const { socket } = session;
  const again = () => {
    if (session.socket !== socket) return;
    if (ref === JOIN) join();
    else if (session.outbox.has(ref)) say(ref, session.outbox.get(ref).text);
  };
  setTimeout(again, retryAfterMs + RETRY.least + Math.random() * RETRY.spread);
}

function hear(frame) {
  heard[frame.type]?.(frame);
}

function ended(code, reason) {
  session.socket = null;
  const words = CLOSED[code] ?? `The connection was closed (${code}).`;
  const text = code === 1008 && reason ? `${words} ${reason}.` : words;
  if (!session.wanted) return status("Not connected", "idle");
  if (staysAway(code)) {
    leave();
    status(text, "over");
    return note(text);
  }
  const ceiling = Math.min(BACKOFF.first * 2 ** session.attempt++, BACKOFF.most);
  const wait = session.retryAfter + ceiling / 2 + (Math.random() * ceiling) / 2;
  session.retryAfter = 0;
  status(`${text} Trying again in ${Math.ceil(wait / 1000)} s`, "waiting");
  session.timer = setTimeout(open, wait);
}

function leave() {
  session.wanted = false;
  clearTimeout(session.timer);
  session.socket?.close(1000);
  session.socket = null;
  ui.disconnect.disabled = true;
  ui.credentials.hidden = false;
  status("Not connected", "idle");
}

function say(clientId, message) {
  return send({ type: "chat", roomId: session.room, message, clientId, ref: clientId });
}

function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// --- history -----------------------------------------------------------------------------------

async function older() {
  ui.older.disabled = true;
  try {
    const path = `/api/rooms/${encodeURIComponent(`room:${session.room}`)}/messages?limit=50&before=${session.oldest}`;
    const response = await fetch(path, { headers: { authorization: `Bearer ${session.token}` } });
    const body = await response.json();
    if (!response.ok) return note(`${body.detail} (${body.code})`);
    const height = ui.log.scrollHeight;
    const fresh = body.messages.filter((message) => !session.seen.has(message.id));
    fresh.forEach((message) => session.seen.add(message.id));
    ui.log.prepend(...fresh.map(line));
    ui.log.scrollTop += ui.log.scrollHeight - height;
    showOlder(body.nextBefore ?? 0);
  } catch {
    note("Older messages could not be fetched.");
  } finally {
    ui.older.disabled = false;
  }
}

// --- the forms ---------------------------------------------------------------------------------

ui.connect.addEventListener("submit", (event) => {
  event.preventDefault();
  leave();
  const token = ui.token.value.trim();
  const room = ui.room.value.trim();
  if (room !== session.room || token !== session.token) {
    session.position = null;
    session.outbox.clear();
    clear();
  }
  Object.assign(session, { token, room, wanted: true, attempt: 0 });
  introduce(token);
  ui["room-title"].textContent = room;
  ui.members.textContent = "";
  ui.conversation.hidden = false;
  ui.disconnect.disabled = false;
  open();
  ui.text.focus();
});

ui.disconnect.addEventListener("click", leave);
ui.older.addEventListener("click", older);
ui.token.addEventListener("input", () => introduce(ui.token.value.trim()));

ui.say.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = ui.text.value;
  if (!text.trim()) return;
  const clientId = newClientId();
  const item = line({ username: "me", message: text });
  item.classList.add("pending");
  ui.log.append(item);
  toBottom();
  // Kept until it comes back with its place in the room; a repeat is the same message to the server.
  session.outbox.set(clientId, { text, item });
  say(clientId, text);
  ui.text.value = "";
});

window.addEventListener("online", () => session.wanted && !session.socket && open());

const given = new URLSearchParams(location.search);
if (given.get("token")) {
  ui.token.value = given.get("token");
  introduce(ui.token.value);
}
if (given.get("room")) ui.room.value = given.get("room");
// A token in the address would end up in bookmarks and screenshots.
if (given.has("token")) history.replaceState(null, "", location.pathname);
