-- The first schema. Same tables and columns as migrations/sqlite/0001_initial.sql, in Postgres' own types.
--
-- Rules for every later file: expand first (new tables, new nullable columns), let old and new programs run side by
-- side, contract in a later release. A file is never edited once it is released: its checksum is remembered.

-- Everything that ever took a number in a room, one row each: messages, edits, deletions, reactions, and void rows.
--
-- One table and not several, because a room has one order: resume is one range scan over (room, seq) without a join,
-- and "every number is written once" is one primary key. The primary key leaves the epoch out: a new epoch goes on
-- above every number ever issued, so a number that comes back under another epoch is a conflict, not a new row.
--
-- An edit does both: its own row records that it happened and what it said (the history of revisions), and the message's
-- row takes its text in place. So a page needs no join, and replay shows a message's current text at the message's
-- place and the edit at its own. `edited_seq` makes it forward only: an edit with a lower number, arriving late, changes
-- nothing. Both bodies are sealed for the id of the message that they belong to (the target), so that either opens there.
--
-- A deletion empties the message's body and the bodies of all its edits, earlier and later ones: nothing of the text
-- stays. The rows stay, as the numbers must. A deletion is final.
--
-- Reactions and unreactions are rows with a target; the emoji is in the sealed body, which the writer cannot open, so
-- there is no table of current reactions to keep in step: whoever holds the key folds the rows, in order.
--
-- A void row holds the number of a repeat (same user and client_id, or same id) that was numbered by mistake: without
-- it, readers would wait for that number for ever. It has no body and is never shown.
CREATE TABLE messages (
    room          text        NOT NULL,                  -- the key, `room:7`
    seq           bigint      NOT NULL CHECK (seq > 0),
    epoch         bigint      NOT NULL CHECK (epoch > 0),
    id            uuid        NOT NULL,                  -- UUIDv7, made by the accepting node
    kind          text        NOT NULL CHECK (kind IN ('message', 'edit', 'delete', 'react', 'unreact', 'void')),
    target_id     uuid,                                  -- the message that this row changes
    user_id       text        NOT NULL,                  -- identity is the text form,
    user_numeric  boolean     NOT NULL DEFAULT false,    -- this is how it is written back
    username      text,
    client_id     text,                                  -- the sender's own name for it
    body          bytea       NOT NULL,                  -- sealed; empty: erased, or nothing to say
    key_id        text,                                  -- which key opens it; null: not sealed
    sent_at       timestamptz NOT NULL,
    edited_at     timestamptz,                           -- of kind 'message' alone, like the next two
    edited_seq    bigint,
    deleted_at    timestamptz,
    PRIMARY KEY (room, seq)
);
-- Pages of history: steps over reactions and edits, however many there are.
CREATE INDEX messages_history ON messages (room, seq DESC) WHERE kind = 'message';
-- An event is written once. A void row may carry an id that stands elsewhere.
CREATE UNIQUE INDEX messages_id ON messages (id) WHERE kind <> 'void';
-- The last line of deduplication, for ever.
CREATE UNIQUE INDEX messages_client_id ON messages (room, user_id, client_id)
    WHERE client_id IS NOT NULL AND kind <> 'void';
-- What changed a message: for erasing, and for folding reactions.
CREATE INDEX messages_target ON messages (target_id) WHERE target_id IS NOT NULL;

-- Who may write a shard's entries: a writer whose fence is below the one here is a former holder, and writes nothing.
CREATE TABLE shards (
    shard integer PRIMARY KEY,
    fence bigint  NOT NULL
);

-- Which instance of the broker numbered first; at most one row, written before the first number is issued. An empty
-- broker beside an empty database is a first start only if it is that instance; any other has lost something.
CREATE TABLE numbering (
    single integer PRIMARY KEY CHECK (single = 1),
    broker text    NOT NULL
);

-- What is set for one room, where it differs from its namespace. A room without a row is an ordinary one.
CREATE TABLE rooms (
    room        text        PRIMARY KEY,
    title       text,
    settings    text,                                    -- JSON object
    created_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz
);

CREATE TABLE users (
    id            text        PRIMARY KEY,
    id_numeric    boolean     NOT NULL DEFAULT false,
    username      text        NOT NULL,
    email         text,
    password_hash text,                                  -- null: known from tokens alone, cannot log in
    role          text        NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'moderator', 'admin', 'service')),
    disabled_at   timestamptz,
    last_seen     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now()
);
-- Names must be unique among those who log in by name; other issuers' tokens bring whatever names they like.
CREATE UNIQUE INDEX users_login ON users (lower(username)) WHERE password_hash IS NOT NULL;

CREATE TABLE chats (
    id         text        PRIMARY KEY,                  -- the room is `chat:{id}`
    title      text,
    kind       text        NOT NULL DEFAULT 'group' CHECK (kind IN ('group', 'direct')),
    direct_key text        UNIQUE,                       -- both users of a direct chat, sorted: there is one such chat
    owner      text        REFERENCES users (id),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE chat_participants (
    chat_id       text        NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    user_id       text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role          text        NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'member')),
    joined_at     timestamptz NOT NULL DEFAULT now(),
    last_read_at  timestamptz,                           -- both move forwards only; unread is counted from them
    last_read_seq bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (chat_id, user_id)
);
CREATE INDEX chat_participants_user ON chat_participants (user_id);

CREATE TABLE message_reads (
    message_id uuid        NOT NULL,
    user_id    text        NOT NULL,
    read_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (message_id, user_id)
);

CREATE TABLE attachments (
    id         uuid        PRIMARY KEY,
    owner      text        NOT NULL,
    room       text        NOT NULL,
    message_id uuid,                                     -- null: not attached yet, its owner alone may read it
    name       text        NOT NULL,
    media_type text        NOT NULL,
    size       bigint      NOT NULL CHECK (size >= 0),
    location   text        NOT NULL,                     -- the key in the object store
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attachments_message ON attachments (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_loose ON attachments (created_at) WHERE message_id IS NULL;

CREATE TABLE events (
    id              bigint      GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    title           text        NOT NULL,
    total_seats     bigint      NOT NULL,
    available_seats bigint      NOT NULL,
    version         bigint      NOT NULL DEFAULT 0,      -- one more with each change of seats: orders the outbox
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- The last line against overselling.
    CHECK (available_seats BETWEEN 0 AND total_seats)
);

CREATE TABLE bookings (
    id              text        PRIMARY KEY,             -- 'BK-…'
    event_id        bigint      NOT NULL REFERENCES events (id),
    user_id         text        NOT NULL,
    user_numeric    boolean     NOT NULL DEFAULT false,
    quantity        bigint      NOT NULL CHECK (quantity > 0),
    idempotency_key text,
    cancelled_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX bookings_idempotency ON bookings (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX bookings_event ON bookings (event_id);
CREATE INDEX bookings_user ON bookings (user_id, created_at);

-- What must be told after a transaction, written in the same transaction.
CREATE TABLE outbox (
    id           bigint      GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    topic        text        NOT NULL,
    key          text        NOT NULL,
    version      bigint      NOT NULL,                   -- order within (topic, key)
    payload      text        NOT NULL,                   -- JSON
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    UNIQUE (topic, key, version)
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;

-- The first answer to a request with an `Idempotency-Key`, for 24 hours.
CREATE TABLE idempotency_keys (
    user_id      text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,                   -- another body under the same key is a conflict
    status       integer,                                -- null: the first request is still at work
    response     bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
