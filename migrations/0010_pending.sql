-- Messages that are read again, with more time than when they came: those of which
-- nothing was read yet (`set_id` is null, and the delivery has a gap `pending`), and
-- those of whose documents some were not (gaps `pending` of the set). A row goes,
-- with its gaps, when what was read is searchable.
CREATE TABLE pending_reading (
    pending_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    seq        BIGINT NOT NULL REFERENCES delivery (seq),
    entry      BIGINT NOT NULL,           -- the message's place in the delivery's entries
    set_id     BIGINT REFERENCES message_set (set_id),
    UNIQUE (seq, entry)
);
