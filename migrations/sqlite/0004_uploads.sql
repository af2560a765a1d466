-- Same as migrations/postgres/0004_uploads.sql, where each part is explained.

CREATE TABLE unfinished_uploads (
    id        blob    PRIMARY KEY,
    begun_at  integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS integer)),
    abandoned integer NOT NULL DEFAULT 0 CHECK (abandoned IN (0, 1))
) STRICT;
CREATE INDEX unfinished_uploads_age ON unfinished_uploads (begun_at);

CREATE TABLE attachment_pieces (
    upload blob    NOT NULL,
    number integer NOT NULL CHECK (number >= 0),
    bytes  blob    NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT;
