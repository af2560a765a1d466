-- What logging in by name and rotating keys need. Same as migrations/sqlite/0002_directory_and_vault.sql.

-- The name to log in by, folded by the program: a database's own lower() depends on its locale, and in some knows
-- nothing but ASCII. Null where nobody can log in.
ALTER TABLE users ADD COLUMN login text;
UPDATE users SET login = lower(username) WHERE password_hash IS NOT NULL;
CREATE UNIQUE INDEX users_login_name ON users (login);
-- It would refuse what its successor allows, and the other way round.
DROP INDEX users_login;

-- For rotating keys: straight to the bodies that another key seals, in an order that no locale changes, however many
-- are done already.
CREATE INDEX messages_key ON messages (key_id, room COLLATE "C", seq) WHERE body <> '';
