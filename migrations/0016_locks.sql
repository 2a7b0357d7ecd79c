-- Parts of the bucket whose locks are to be longer than they were put with, and how far
-- that is. Made again by looking at every lock once.
CREATE TABLE roll (
    unit     TEXT PRIMARY KEY NOT NULL,   -- 'log', 'policy', …, or 'seg/<class>/<yyyy-mm>'
    ends_at  BIGINT NOT NULL,             -- what was there is locked until then or longer
    target   BIGINT,                      -- to be locked until then; NULL: nothing to do
    position TEXT NOT NULL,               -- done up to this name
    done     BIGINT NOT NULL,             -- objects, of total
    total    BIGINT NOT NULL,
    refused  BIGINT NOT NULL,             -- objects that the bucket would not lock for longer
    error    TEXT                         -- why the last try stopped
);
