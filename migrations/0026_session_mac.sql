-- A session is found by a code that only who has the archive's keys can make of its token.

DELETE FROM session;
ALTER TABLE session RENAME COLUMN token_sha256 TO token_mac;
