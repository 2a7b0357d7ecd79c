-- How often a job was begun, without the times that a stop of the server cut off: one that
-- ends the server each time is not begun for ever.
CREATE TABLE job_start (
    job_id INTEGER PRIMARY KEY NOT NULL,
    starts BIGINT NOT NULL
);
