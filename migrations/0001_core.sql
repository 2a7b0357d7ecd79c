-- Deliveries, messages, segments and the log: what one commit writes.
-- Instants are microseconds since 1970 in UTC; ids and hashes are raw bytes.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- One vault object that holds records, with its key page.
CREATE TABLE segment (
    segment_id  BLOB PRIMARY KEY NOT NULL,
    class       TEXT NOT NULL,
    epoch       TEXT NOT NULL,            -- '2026-01'
    object      TEXT NOT NULL,            -- its name in the bucket
    page        TEXT NOT NULL,            -- the name of its key page
    size_bytes  BIGINT NOT NULL,
    sha256      BLOB NOT NULL,            -- of the whole object
    created_at  BIGINT NOT NULL
);

-- One SMTP or import transaction. `seq` is commit order; followers count by it.
CREATE TABLE delivery (
    seq           INTEGER PRIMARY KEY NOT NULL,
    record_id     BLOB NOT NULL UNIQUE,
    segment_id    BLOB NOT NULL REFERENCES segment (segment_id),
    entry         BIGINT NOT NULL,        -- its row in the segment's table
    source        TEXT NOT NULL,
    received_at   BIGINT NOT NULL,
    class         TEXT NOT NULL,
    epoch         TEXT NOT NULL,
    size_bytes    BIGINT NOT NULL,
    sha256        BLOB NOT NULL,          -- of the exact bytes
    form          TEXT NOT NULL,          -- 'bare', 'report', …: mail::delivery::Form
    is_proven     BIGINT NOT NULL,        -- 0: failed its source's checks
    transaction_  TEXT NOT NULL,          -- JSON: peer, helo, tls, reverse-path, recipients
    envelope      TEXT,                   -- JSON of the report's envelope, if it is a report
    defects       TEXT NOT NULL           -- JSON list
);
CREATE INDEX delivery_epoch ON delivery (class, epoch);
CREATE INDEX delivery_received ON delivery (received_at);

-- The messages that a delivery carries; a bare copy carries itself.
CREATE TABLE delivery_message (
    seq       BIGINT NOT NULL REFERENCES delivery (seq),
    entry     BIGINT NOT NULL,            -- its place in the delivery's entries
    sha256    BLOB NOT NULL,              -- of the message's exact bytes
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (seq, entry)
);
CREATE INDEX delivery_message_sha256 ON delivery_message (sha256);

-- The log's entries, gapless from 0.
CREATE TABLE leaf (
    position  INTEGER PRIMARY KEY NOT NULL,
    hash      BLOB NOT NULL,
    body      BLOB NOT NULL,
    record_id BLOB UNIQUE                 -- null for leaves that are no record
);

-- How far each follower has come.
CREATE TABLE cursor (
    follower TEXT PRIMARY KEY NOT NULL,
    position BIGINT NOT NULL
);
