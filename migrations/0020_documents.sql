-- What is known of a document beside its text. Of what was read before, nothing is,
-- until it is read again.
ALTER TABLE attachment ADD COLUMN language TEXT;            -- ISO 639-3; null: not known
ALTER TABLE attachment ADD COLUMN is_ocred BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN about TEXT NOT NULL DEFAULT '[]'; -- JSON: title, author and the like
ALTER TABLE attachment ADD COLUMN md5 BLOB;                 -- of its bytes; null: not known

-- Passwords that people of a matter know; documents are tried with them.
CREATE TABLE document_password (
    password_id INTEGER PRIMARY KEY NOT NULL,
    matter_id   BIGINT NOT NULL REFERENCES matter (matter_id),
    sealed      TEXT NOT NULL,            -- under a key of the archive, in hex
    added_at    BIGINT NOT NULL,
    added_by    BIGINT NOT NULL
);
CREATE INDEX document_password_matter ON document_password (matter_id);
