
-- Version 2: what few jobs have, in one column.
ALTER TABLE later.job ADD COLUMN options json;
COMMENT ON COLUMN later.job.options IS 'What few jobs have: deadlines, values that were carried along';
