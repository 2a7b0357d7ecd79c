-- What was decided and looked at, on its way into the bucket: each statement is one
-- sealed object there and one leaf of the log. Those without an object wait for it.
CREATE TABLE statement (
    statement_id   INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    follows        BIGINT NOT NULL,  -- the last statement before what its rows show
    at             BIGINT NOT NULL,
    action         TEXT NOT NULL,    -- 'seal', or the act: 'hold.place'
    row_count      BIGINT NOT NULL,
    content        BLOB,             -- until it is in the bucket
    object         TEXT,
    object_version TEXT,
    position       BIGINT            -- of its leaf
);
CREATE INDEX statement_waiting ON statement (statement_id) WHERE object IS NULL;
