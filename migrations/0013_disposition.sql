-- Destruction of an epoch whose date has passed: proposed by one person, approved by
-- another, and what came of it.
CREATE TABLE disposition (
    disposition_id INTEGER PRIMARY KEY NOT NULL,
    class       TEXT NOT NULL,
    epoch       TEXT NOT NULL,
    due_at      BIGINT NOT NULL,      -- since when it may be destroyed
    state       TEXT NOT NULL,        -- proposed refused approved destroying done
    figures     TEXT NOT NULL,        -- JSON: what the proposal showed
    proposed_at BIGINT NOT NULL,
    proposed_by BIGINT NOT NULL REFERENCES person (user_id),
    decided_at  BIGINT,
    decided_by  BIGINT REFERENCES person (user_id),
    reason      TEXT,
    ended_at    BIGINT,
    result      TEXT                  -- JSON: what was destroyed, what was kept
);
CREATE UNIQUE INDEX disposition_open ON disposition (class, epoch)
    WHERE state IN ('proposed', 'approved', 'destroying');

-- Objects that belong to nobody since a commit, and are to leave the bucket.
CREATE TABLE condemned (
    object         TEXT PRIMARY KEY NOT NULL,
    disposition_id BIGINT NOT NULL REFERENCES disposition (disposition_id)
);

-- Message sets of which deliveries were destroyed: the index still has to hear of it.
CREATE TABLE diminished (
    set_id BIGINT PRIMARY KEY NOT NULL
);
