-- The bucket's flags of holds: segments that have one, or should. A hold is in force
-- without them; they follow.
CREATE TABLE flag (
    segment_id BLOB PRIMARY KEY NOT NULL,
    rank       BIGINT NOT NULL,       -- 0: its lock ends soon, or its keys can be deleted
    pass       BIGINT NOT NULL,       -- the last pass that found something of it held
    state      TEXT NOT NULL          -- wanted, set, lifting
);
CREATE INDEX flag_state ON flag (state, rank, segment_id);
CREATE INDEX flag_pass ON flag (pass);

-- How far the flags of a hold are, when it was last counted.
CREATE TABLE hold_flag (
    hold_id  BIGINT PRIMARY KEY NOT NULL REFERENCES hold (hold_id),
    flagged  BIGINT NOT NULL,
    segments BIGINT NOT NULL
);
