-- Erasure of one message before its date, in a class that allows it: proposed by one
-- person on a ground, approved by another, and what came of it. What the message says,
-- or a hash of it, stands nowhere here.
CREATE TABLE erasure (
    erasure_id  INTEGER PRIMARY KEY NOT NULL,
    state       TEXT NOT NULL,        -- proposed refused approved erasing done
    ground      TEXT NOT NULL,        -- why it is asked for
    figures     TEXT NOT NULL,        -- JSON: what the proposal showed
    proposed_at BIGINT NOT NULL,
    proposed_by BIGINT NOT NULL REFERENCES person (user_id),
    decided_at  BIGINT,
    decided_by  BIGINT REFERENCES person (user_id),
    reason      TEXT,
    ended_at    BIGINT,
    result      TEXT                  -- JSON: the records that were erased
);

-- Records that were erased: their leaves stay, and nothing brings them back.
CREATE TABLE erased (
    record_id  BLOB PRIMARY KEY NOT NULL,
    erasure_id BIGINT NOT NULL REFERENCES erasure (erasure_id)
);

-- Page objects that no segment has: put for a rewrite that has yet to commit, or
-- replaced by one. Of those that go, none is taken any more.
CREATE TABLE spare_page (
    object   TEXT PRIMARY KEY NOT NULL,
    at       BIGINT NOT NULL,
    is_going BIGINT NOT NULL
);

-- Several segments can have their pages in one object.
CREATE INDEX segment_page ON segment (page);

-- A node's index can lack what it has yet to read: it is told of a set when it has.
ALTER TABLE diminished ADD COLUMN until_seq BIGINT NOT NULL DEFAULT 0;
