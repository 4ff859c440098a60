
-- Version 2: what few jobs have, in one column.
ALTER TABLE later_job ADD COLUMN options TEXT; -- a JSON object: deadlines, values that were carried along
