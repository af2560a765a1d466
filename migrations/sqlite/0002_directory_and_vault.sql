-- Same as migrations/postgres/0002_directory_and_vault.sql, where each part is explained.

ALTER TABLE users ADD COLUMN login text;
UPDATE users SET login = lower(username) WHERE password_hash IS NOT NULL;
CREATE UNIQUE INDEX users_login_name ON users (login);
DROP INDEX users_login;

CREATE INDEX messages_key ON messages (key_id, room, seq) WHERE body <> x'';
