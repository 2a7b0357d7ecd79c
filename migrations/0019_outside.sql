-- What goes outside every so many hours, by name: `stamp`, the time stamp of a
-- checkpoint, and `mail`, a checkpoint to those who keep one.
CREATE TABLE outside (
    name     TEXT PRIMARY KEY NOT NULL,
    size     BIGINT NOT NULL,             -- of the last one that went; 0 before the first
    done_at  BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    error    TEXT NOT NULL                -- why the last try failed; empty where it did not
);
