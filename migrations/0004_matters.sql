-- Matters, custodians and holds.

CREATE TABLE matter (
    matter_id  INTEGER PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    reference  TEXT NOT NULL,             -- the court's or the firm's number
    zone       TEXT NOT NULL,             -- IANA name; dates in queries are read in it
    is_closed  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL REFERENCES person (user_id)
);

CREATE TABLE matter_member (
    matter_id BIGINT NOT NULL REFERENCES matter (matter_id),
    user_id   BIGINT NOT NULL REFERENCES person (user_id),
    PRIMARY KEY (matter_id, user_id)
);

CREATE TABLE custodian (
    custodian_id INTEGER PRIMARY KEY NOT NULL,
    matter_id    BIGINT NOT NULL REFERENCES matter (matter_id),
    name         TEXT NOT NULL
);
CREATE INDEX custodian_matter ON custodian (matter_id);

CREATE TABLE custodian_address (
    custodian_id BIGINT NOT NULL REFERENCES custodian (custodian_id),
    address      TEXT NOT NULL,           -- lower case
    PRIMARY KEY (custodian_id, address)
);
CREATE INDEX custodian_address_address ON custodian_address (address);

CREATE TABLE hold (
    hold_id        INTEGER PRIMARY KEY NOT NULL,
    matter_id      BIGINT NOT NULL REFERENCES matter (matter_id),
    name           TEXT NOT NULL,
    date_kind      TEXT NOT NULL,         -- 'sent' or 'received'
    from_at        BIGINT,                -- inclusive
    until_at       BIGINT,                -- exclusive
    is_ongoing     BIGINT NOT NULL,       -- takes in what arrives later
    placed_at      BIGINT NOT NULL,
    placed_by      BIGINT NOT NULL REFERENCES person (user_id),
    placed_seq     BIGINT NOT NULL,       -- the last delivery when it was placed
    released_at    BIGINT,
    released_by    BIGINT REFERENCES person (user_id),
    release_reason TEXT
);
CREATE INDEX hold_matter ON hold (matter_id);

CREATE TABLE hold_custodian (
    hold_id      BIGINT NOT NULL REFERENCES hold (hold_id),
    custodian_id BIGINT NOT NULL REFERENCES custodian (custodian_id),
    PRIMARY KEY (hold_id, custodian_id)
);
CREATE INDEX hold_custodian_custodian ON hold_custodian (custodian_id);
