-- What an administrator asks for and somebody from legal has yet to agree to: one wish
-- for each person.

CREATE TABLE person_ask (
    user_id  BIGINT PRIMARY KEY NOT NULL REFERENCES person (user_id),
    what     TEXT NOT NULL,               -- access::second::Wish
    asked_by BIGINT NOT NULL,
    asked_at BIGINT NOT NULL
);
