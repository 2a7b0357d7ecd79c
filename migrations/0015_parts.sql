-- Parts that later records of the same class and month may need too. Their keys are
-- in the records that have them, never here.
CREATE TABLE part (
    name       BLOB NOT NULL,             -- of what it says, keyed by its month's key
    segment_id BLOB NOT NULL REFERENCES segment (segment_id),
    entry      BIGINT NOT NULL,           -- of the record in that segment that brought it
    PRIMARY KEY (name, segment_id)
);
CREATE INDEX part_segment ON part (segment_id);

-- Other segments that have parts of a delivery's record: they stay as long as it does.
CREATE TABLE part_need (
    seq        BIGINT NOT NULL REFERENCES delivery (seq),
    segment_id BLOB NOT NULL,
    PRIMARY KEY (seq, segment_id)
);
CREATE INDEX part_need_segment ON part_need (segment_id);
