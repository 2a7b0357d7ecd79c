-- People, their sessions and the audit.

CREATE TABLE person (
    user_id       INTEGER PRIMARY KEY NOT NULL,
    name          TEXT NOT NULL UNIQUE,
    display_name  TEXT NOT NULL,
    password_hash TEXT NOT NULL,          -- argon2id, PHC string
    role          TEXT NOT NULL,          -- 'administrator' or 'legal'
    is_archive_wide BIGINT NOT NULL,      -- may search outside a matter
    must_change   BIGINT NOT NULL,        -- one-time password
    is_disabled   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE session (
    token_sha256 BLOB PRIMARY KEY NOT NULL,
    user_id      BIGINT NOT NULL REFERENCES person (user_id),
    csrf         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL
);

-- Failed sign-ins, for throttling; pruned.
CREATE TABLE login_failure (
    name TEXT NOT NULL,
    peer TEXT NOT NULL,
    at   BIGINT NOT NULL
);
CREATE INDEX login_failure_at ON login_failure (at);

-- Where a name has signed in from: strangers' failures do not throttle it there.
CREATE TABLE known_peer (
    name    TEXT NOT NULL,
    peer    TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (name, peer)
);

-- Every look and every act. A row is durable before its result is shown.
CREATE TABLE audit (
    audit_id   INTEGER PRIMARY KEY NOT NULL,
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,             -- a person's name, 'system', 'operator'
    action     TEXT NOT NULL,             -- 'search', 'message.view', 'hold.place', …
    matter_id  BIGINT,
    subject    TEXT NOT NULL,             -- what it was done to, in words
    detail     TEXT NOT NULL,             -- JSON
    outcome    TEXT NOT NULL              -- 'begun', 'done', 'refused', 'failed'
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_matter ON audit (matter_id);
