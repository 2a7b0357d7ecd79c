-- Checks of the whole archive: how far each is, and what it found. One that has not
-- ended is gone on with; who works on it holds its lease.
CREATE TABLE scrub (
    scrub_id    INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    begun_at    BIGINT NOT NULL,
    ended_at    BIGINT,
    step        TEXT NOT NULL,
    position    TEXT NOT NULL,            -- within the step
    state       TEXT NOT NULL,            -- JSON: what it counted and must remember
    faults      BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT
);

CREATE TABLE scrub_finding (
    scrub_id BIGINT NOT NULL REFERENCES scrub (scrub_id),
    kind     TEXT NOT NULL,
    object   TEXT NOT NULL,               -- an object of the bucket, or a row
    is_fault BIGINT NOT NULL,             -- 0: worth knowing, and nothing is wrong
    detail   TEXT NOT NULL,
    records  TEXT NOT NULL,               -- JSON list of the first that it touches
    touched  BIGINT NOT NULL,             -- how many in all
    PRIMARY KEY (scrub_id, kind, object)
);

CREATE INDEX statement_object ON statement (object);
