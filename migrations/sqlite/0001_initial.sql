-- The first schema. Same tables and columns as migrations/postgres/0001_initial.sql, where each table is explained.
--
-- Here a uuid is a blob of 16 bytes, a time is an integer of milliseconds since 1970, and a boolean is 0 or 1.
-- STRICT, so that a value of the wrong type is an error here as well.

CREATE TABLE messages (
    room            text    NOT NULL,
    seq             integer NOT NULL CHECK (seq > 0),
    epoch           integer NOT NULL CHECK (epoch > 0),
    id              blob    NOT NULL,
    kind            text    NOT NULL CHECK (kind IN ('message', 'edit', 'delete', 'react', 'unreact', 'void')),
    target_id       blob,
    user_id         text    NOT NULL,
    user_numeric    integer NOT NULL DEFAULT 0 CHECK (user_numeric IN (0, 1)),
    username        text,
    client_id       text,
    body            blob    NOT NULL,
    key_id          text,
    sent_at         integer NOT NULL,
    edited_at       integer,
    edited_seq      integer,
    deleted_at      integer,
    PRIMARY KEY (room, seq)
) STRICT;
CREATE INDEX messages_history ON messages (room, seq DESC) WHERE kind = 'message';
CREATE UNIQUE INDEX messages_id ON messages (id) WHERE kind <> 'void';
CREATE UNIQUE INDEX messages_client_id ON messages (room, user_id, client_id)
    WHERE client_id IS NOT NULL AND kind <> 'void';
CREATE INDEX messages_target ON messages (target_id) WHERE target_id IS NOT NULL;

CREATE TABLE shards (
    shard           integer PRIMARY KEY,
    fence           integer NOT NULL
) STRICT;

CREATE TABLE numbering (
    single          integer PRIMARY KEY CHECK (single = 1),
    broker          text    NOT NULL
) STRICT;

CREATE TABLE rooms (
    room            text    PRIMARY KEY,
    title           text,
    settings        text,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    archived_at     integer
) STRICT;

CREATE TABLE users (
    id              text    PRIMARY KEY,
    id_numeric      integer NOT NULL DEFAULT 0 CHECK (id_numeric IN (0, 1)),
    username        text    NOT NULL,
    email           text,
    password_hash   text,
    role            text    NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'moderator', 'admin', 'service')),
    disabled_at     integer,
    last_seen       integer,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer))
) STRICT;
CREATE UNIQUE INDEX users_login ON users (lower(username)) WHERE password_hash IS NOT NULL;

CREATE TABLE chats (
    id              text    PRIMARY KEY,
    title           text,
    kind            text    NOT NULL DEFAULT 'group' CHECK (kind IN ('group', 'direct')),
    direct_key      text    UNIQUE,
    owner           text    REFERENCES users (id),
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer))
) STRICT;

CREATE TABLE chat_participants (
    chat_id         text    NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    user_id         text    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role            text    NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'member')),
    joined_at       integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    last_read_at    integer,
    last_read_seq   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (chat_id, user_id)
) STRICT;
CREATE INDEX chat_participants_user ON chat_participants (user_id);

CREATE TABLE message_reads (
    message_id      blob    NOT NULL,
    user_id         text    NOT NULL,
    read_at         integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    PRIMARY KEY (message_id, user_id)
) STRICT;

CREATE TABLE attachments (
    id              blob    PRIMARY KEY,
    owner           text    NOT NULL,
    room            text    NOT NULL,
    message_id      blob,
    name            text    NOT NULL,
    media_type      text    NOT NULL,
    size            integer NOT NULL CHECK (size >= 0),
    location        text    NOT NULL,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer))
) STRICT;
CREATE INDEX attachments_message ON attachments (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_loose ON attachments (created_at) WHERE message_id IS NULL;

CREATE TABLE events (
    id              integer PRIMARY KEY AUTOINCREMENT,
    title           text    NOT NULL,
    total_seats     integer NOT NULL,
    available_seats integer NOT NULL,
    version         integer NOT NULL DEFAULT 0,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    CHECK (available_seats BETWEEN 0 AND total_seats)
) STRICT;

CREATE TABLE bookings (
    id              text    PRIMARY KEY,
    event_id        integer NOT NULL REFERENCES events (id),
    user_id         text    NOT NULL,
    user_numeric    integer NOT NULL DEFAULT 0 CHECK (user_numeric IN (0, 1)),
    quantity        integer NOT NULL CHECK (quantity > 0),
    idempotency_key text,
    cancelled_at    integer,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer))
) STRICT;
CREATE UNIQUE INDEX bookings_idempotency ON bookings (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX bookings_event ON bookings (event_id);
CREATE INDEX bookings_user ON bookings (user_id, created_at);

CREATE TABLE outbox (
    id              integer PRIMARY KEY AUTOINCREMENT,
    topic           text    NOT NULL,
    key             text    NOT NULL,
    version         integer NOT NULL,
    payload         text    NOT NULL,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    published_at    integer,
    UNIQUE (topic, key, version)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;

CREATE TABLE idempotency_keys (
    user_id         text    NOT NULL,
    key             text    NOT NULL,
    request_hash    blob    NOT NULL,
    status          integer,
    response        blob,
    created_at      integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    PRIMARY KEY (user_id, key)
) STRICT;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
