ALTER TABLE later.attempt DROP COLUMN rule_retries;
ALTER TABLE later.job_type DROP COLUMN start_within_us, DROP COLUMN finish_within_us;
