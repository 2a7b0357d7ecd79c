-- Which version of its object a segment is, in a bucket that keeps versions, and
-- of its key page; null in a directory, and for segments from before.
ALTER TABLE segment ADD COLUMN object_version TEXT;
ALTER TABLE segment ADD COLUMN page_version TEXT;
