ALTER TABLE later.process DROP COLUMN clock_ahead_us;
DROP TABLE later.operation_job;
