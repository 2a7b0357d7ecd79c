-- Durable work: what was asked, how far it is, what came of it.

CREATE TABLE job (
    job_id      INTEGER PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,            -- 'export'
    matter_id   BIGINT REFERENCES matter (matter_id),
    asked_by    TEXT NOT NULL,
    request     TEXT NOT NULL,            -- JSON
    state       TEXT NOT NULL,            -- queued running done failed cancelled
    is_cancel_asked BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    total       BIGINT NOT NULL,
    result      TEXT NOT NULL,            -- JSON; the error's text when failed
    created_at  BIGINT NOT NULL,
    started_at  BIGINT,
    ended_at    BIGINT,
    lease_owner TEXT,
    lease_until BIGINT
);
CREATE INDEX job_state ON job (state);
