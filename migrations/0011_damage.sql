-- Records in which a read found damage. A check of all of a record that finds
-- none takes its row away.
CREATE TABLE damage (
    record_id BLOB PRIMARY KEY NOT NULL,
    found_at  BIGINT NOT NULL,            -- first
    what      TEXT NOT NULL
);
