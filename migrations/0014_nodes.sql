-- Nodes that share a catalog, each with an index of its own. A catalog in a file has
-- one node, whose name is empty, and no row here.
CREATE TABLE node (
    node_id TEXT PRIMARY KEY NOT NULL,
    seen_at BIGINT NOT NULL,
    is_gone BIGINT NOT NULL               -- it was silent, and what it left was adopted
);

-- What one of them does at a time for all.
CREATE TABLE lease (
    name     TEXT PRIMARY KEY NOT NULL,
    owner    TEXT NOT NULL,
    until_at BIGINT NOT NULL
);

-- Each reads again what it was too slow to read, for its own index.
CREATE TABLE pending_reading_2 (
    pending_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    seq        BIGINT NOT NULL REFERENCES delivery (seq),
    entry      BIGINT NOT NULL,           -- the message's place in the delivery's entries
    set_id     BIGINT REFERENCES message_set (set_id),
    node       TEXT NOT NULL,
    UNIQUE (seq, entry, node)
);
INSERT INTO pending_reading_2 (seq, entry, set_id, node)
    SELECT seq, entry, set_id, '' FROM pending_reading ORDER BY pending_id;
DROP TABLE pending_reading;
ALTER TABLE pending_reading_2 RENAME TO pending_reading;

-- And each takes out of its index what was destroyed.
CREATE TABLE diminished_2 (
    set_id BIGINT NOT NULL,
    node   TEXT NOT NULL,
    PRIMARY KEY (set_id, node)
);
INSERT INTO diminished_2 (set_id, node) SELECT set_id, '' FROM diminished;
DROP TABLE diminished;
ALTER TABLE diminished_2 RENAME TO diminished;
