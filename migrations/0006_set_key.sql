-- The rule of what is one message became stricter: what was derived under the old
-- one hides messages behind others. All of it goes, and the follower makes it
-- again from the first delivery. Ids of sets are not given a second time, so that
-- the audit's rows and frozen exports never speak of another message.
DELETE FROM gap;
DELETE FROM attachment;
DELETE FROM participant;
DELETE FROM set_delivery;
DELETE FROM set_message;

CREATE TABLE message_set_2 (
    set_id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    set_key          BLOB NOT NULL UNIQUE,
    message_sha256   BLOB NOT NULL,       -- the first one seen; shown by default
    first_seq        BIGINT NOT NULL,     -- the delivery that brought it
    subject          TEXT NOT NULL,
    from_text        TEXT NOT NULL,       -- as displayed: 'Alice Ito <alice@…>'
    message_id       TEXT NOT NULL,       -- without angle brackets; may be empty
    sent_at          BIGINT,              -- the Date header; null if none is usable
    received_at      BIGINT NOT NULL,     -- of the first delivery
    size_bytes       BIGINT NOT NULL,
    attachment_count BIGINT NOT NULL,
    is_proven        BIGINT NOT NULL      -- 1 as soon as one delivery is proven
);
INSERT INTO message_set_2
    SELECT set_id, set_key, message_sha256, first_seq, subject, from_text, message_id, sent_at,
        received_at, size_bytes, attachment_count, is_proven
    FROM message_set ORDER BY set_id DESC LIMIT 1;
DELETE FROM message_set_2;
DROP TABLE message_set;
ALTER TABLE message_set_2 RENAME TO message_set;
CREATE INDEX message_set_received ON message_set (received_at);
CREATE INDEX message_set_sent ON message_set (sent_at);

DELETE FROM cursor WHERE follower IN ('derive', 'index');
