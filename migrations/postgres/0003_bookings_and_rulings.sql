-- What booking seats and ruling over tokens need. Same as migrations/sqlite/0003_bookings_and_rulings.sql.

-- Seats left right after the booking: whoever repeats the request is told the same as the first time.
ALTER TABLE bookings ADD COLUMN available bigint NOT NULL DEFAULT 0;

-- The payload of topic 'event' (the key is the event's id) is what became of its seats:
-- {"kind": "booked" | "cancelled", "booking": "BK-…", "user": "…", "numeric": boolean, "available": number}.
-- For forgetting what was told long ago.
CREATE INDEX outbox_told ON outbox (published_at) WHERE published_at IS NOT NULL;

-- Since when `role` is what somebody was given; null: as their first token said. A token issued before does not say it.
ALTER TABLE users ADD COLUMN role_assigned_at timestamptz;
-- Every node reads all rulings again and again, and few users have one.
CREATE INDEX users_disabled ON users (id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_assigned ON users (id) WHERE role_assigned_at IS NOT NULL;

CREATE TABLE revoked_tokens (
    id         text        PRIMARY KEY,                  -- the token's name (`jti`)
    expires_at timestamptz NOT NULL                      -- from then on the token is refused anyway
);
CREATE INDEX revoked_tokens_age ON revoked_tokens (expires_at);
