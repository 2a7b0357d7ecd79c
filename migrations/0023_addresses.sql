-- Addresses are compared otherwise: domains in ASCII, local parts composed; and more of what
-- is out of form is read. What was derived before goes, and the follower makes it again
-- from the first delivery, under ids that were never used.
DELETE FROM pending_reading;
DELETE FROM diminished;
DELETE FROM participant;
DELETE FROM set_delivery;
DELETE FROM set_message;
DELETE FROM gap;
DELETE FROM attachment;
DELETE FROM message_set;
DELETE FROM cursor WHERE follower IN ('derive', 'index');
