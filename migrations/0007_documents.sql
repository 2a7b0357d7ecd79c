-- Families are taken apart to any depth now: what is in archives and office files
-- is listed, and gaps name the document and its type. What was derived before
-- lacks all of that; it goes, and the follower makes it again from the first
-- delivery, under ids that were never used.
DELETE FROM participant;
DELETE FROM set_delivery;
DELETE FROM set_message;
DROP TABLE gap;
DROP TABLE attachment;
DELETE FROM message_set;

-- Every document of a family, each before those in it.
CREATE TABLE attachment (
    set_id     BIGINT NOT NULL REFERENCES message_set (set_id),
    ordinal    BIGINT NOT NULL,
    parent     BIGINT,                    -- the ordinal of what holds it; null: the message
    name       TEXT NOT NULL,
    path       TEXT NOT NULL,             -- 'invoice.xlsx in Q3.zip'
    media_type TEXT NOT NULL,             -- by content
    size_bytes BIGINT NOT NULL,
    sha256     BLOB NOT NULL,
    has_text   BIGINT NOT NULL,
    is_part    BIGINT NOT NULL,           -- 1: of the mail itself, not of an archive in it
    PRIMARY KEY (set_id, ordinal)
);

-- What could not be indexed in full, and why.
CREATE TABLE gap (
    gap_id     INTEGER PRIMARY KEY NOT NULL,
    seq        BIGINT NOT NULL,           -- the delivery, and by it the record
    set_id     BIGINT,
    ordinal    BIGINT,                    -- the document; null for the message itself
    path       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    reason     TEXT NOT NULL,             -- extract::Reason
    detail     TEXT NOT NULL
);
CREATE INDEX gap_set ON gap (set_id);
CREATE INDEX gap_seq ON gap (seq);
CREATE INDEX gap_reason ON gap (reason, media_type);

DELETE FROM cursor WHERE follower IN ('derive', 'index');
