-- Same as migrations/postgres/0003_bookings_and_rulings.sql, where each part is explained.

ALTER TABLE bookings ADD COLUMN available integer NOT NULL DEFAULT 0;

CREATE INDEX outbox_told ON outbox (published_at) WHERE published_at IS NOT NULL;

ALTER TABLE users ADD COLUMN role_assigned_at integer;
CREATE INDEX users_disabled ON users (id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_assigned ON users (id) WHERE role_assigned_at IS NOT NULL;

CREATE TABLE revoked_tokens (
    id         text    PRIMARY KEY,
    expires_at integer NOT NULL
) STRICT;
CREATE INDEX revoked_tokens_age ON revoked_tokens (expires_at);
