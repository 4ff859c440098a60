ALTER TABLE later.waiting DROP COLUMN cause;
ALTER TABLE later.finished DROP COLUMN cause;
ALTER TABLE later.attempt DROP COLUMN cause;
DROP TABLE later.cause, later.cause_count;
