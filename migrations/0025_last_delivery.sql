-- The last number that a delivery was given. A number is given once: it is the place among
-- the log's deliveries, and what followers and holds go by, after the delivery is destroyed.

CREATE TABLE last_delivery (
    one BIGINT PRIMARY KEY NOT NULL,      -- 1
    seq BIGINT NOT NULL
);

INSERT INTO last_delivery (one, seq)
SELECT 1, MAX(known.seq) FROM (
    SELECT COUNT(*) AS seq FROM leaf WHERE record_id IS NOT NULL
    UNION ALL SELECT COALESCE(MAX(seq), 0) FROM delivery
    UNION ALL SELECT COALESCE(MAX(placed_seq), 0) FROM hold
) AS known;
