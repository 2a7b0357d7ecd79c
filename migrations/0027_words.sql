-- Single words beside base64 are told from it, encoded words may hold a question mark, and
-- reports name several lists on a line. What was derived before goes, and the follower makes
-- it again from the first delivery, under ids that were never used.
DELETE FROM pending_reading;
DELETE FROM diminished;
DELETE FROM participant;
DELETE FROM set_delivery;
DELETE FROM set_message;
DELETE FROM gap;
DELETE FROM attachment;
DELETE FROM message_set;
DELETE FROM cursor WHERE follower IN ('derive', 'index');
