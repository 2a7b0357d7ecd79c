-- What the followers found in the messages. All of it can be made again.

CREATE TABLE address (
    address_id INTEGER PRIMARY KEY NOT NULL,
    address    TEXT NOT NULL UNIQUE       -- lower case
);

-- Messages equal by normalised content: what a list shows as one.
CREATE TABLE message_set (
    set_id           INTEGER PRIMARY KEY NOT NULL,
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
CREATE INDEX message_set_received ON message_set (received_at);
CREATE INDEX message_set_sent ON message_set (sent_at);

CREATE TABLE set_message (
    message_sha256 BLOB PRIMARY KEY NOT NULL,
    set_id         BIGINT NOT NULL REFERENCES message_set (set_id)
);
CREATE INDEX set_message_set ON set_message (set_id);

-- Deliveries of a set: every one is evidence of who received it.
CREATE TABLE set_delivery (
    set_id BIGINT NOT NULL REFERENCES message_set (set_id),
    seq    BIGINT NOT NULL REFERENCES delivery (seq),
    entry  BIGINT NOT NULL,
    PRIMARY KEY (set_id, seq, entry)
);
CREATE INDEX set_delivery_seq ON set_delivery (seq);

-- Who took part, from headers and from the envelope of every delivery.
CREATE TABLE participant (
    set_id     BIGINT NOT NULL REFERENCES message_set (set_id),
    address_id BIGINT NOT NULL REFERENCES address (address_id),
    role       TEXT NOT NULL,   -- from sender to cc bcc recipient on-behalf-of expanded forwarded
    source     TEXT NOT NULL,   -- 'header' or 'envelope'
    seq        BIGINT NOT NULL, -- the delivery that says so
    name       TEXT NOT NULL,   -- display name, or empty
    PRIMARY KEY (set_id, address_id, role, source, seq)
);
CREATE INDEX participant_address ON participant (address_id, set_id);

CREATE TABLE attachment (
    set_id     BIGINT NOT NULL REFERENCES message_set (set_id),
    ordinal    BIGINT NOT NULL,
    name       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256     BLOB NOT NULL,
    has_text   BIGINT NOT NULL,
    PRIMARY KEY (set_id, ordinal)
);

-- What could not be indexed in full, and why.
CREATE TABLE gap (
    gap_id  INTEGER PRIMARY KEY NOT NULL,
    seq     BIGINT NOT NULL,
    set_id  BIGINT,
    ordinal BIGINT,             -- the attachment; null for the message itself
    reason  TEXT NOT NULL,      -- no-text, unknown-type, timed-out, crashed, too-large, damaged
    detail  TEXT NOT NULL
);
CREATE INDEX gap_set ON gap (set_id);
CREATE INDEX gap_seq ON gap (seq);
