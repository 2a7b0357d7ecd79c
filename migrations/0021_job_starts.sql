-- How often a job was begun: one that ends the server each time is not begun for ever.

ALTER TABLE job ADD COLUMN starts BIGINT NOT NULL DEFAULT 0;
