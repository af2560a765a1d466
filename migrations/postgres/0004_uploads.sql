-- The bytes of uploads. Same as migrations/sqlite/0004_uploads.sql.

-- Uploads that are not in `attachments`: those whose bytes still come, and those whose bytes are on their way out. Every
-- piece belongs to a row here or there, so what a process left behind that died is found without looking at what is kept.
CREATE TABLE unfinished_uploads (
    id        uuid        PRIMARY KEY,
    begun_at  timestamptz NOT NULL DEFAULT now(),
    abandoned boolean     NOT NULL DEFAULT false         -- from then on it takes no further piece, and is never finished
);
CREATE INDEX unfinished_uploads_age ON unfinished_uploads (begun_at);

CREATE TABLE attachment_pieces (
    upload uuid   NOT NULL,                              -- in `attachments` or `unfinished_uploads`
    number bigint NOT NULL CHECK (number >= 0),          -- from 0; all but the last one are 256 KiB
    bytes  bytea  NOT NULL,
    PRIMARY KEY (upload, number)
);
-- Pictures and archives are compressed already.
ALTER TABLE attachment_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;
