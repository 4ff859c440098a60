
-- Version 3: what the rules of a definition have counted, and its deadlines.
ALTER TABLE later.attempt ADD COLUMN rule_retries json;
COMMENT ON COLUMN later.attempt.rule_retries IS 'How often each rule has retried the job so far';
ALTER TABLE later.job_type ADD COLUMN start_within_us bigint NOT NULL DEFAULT 0, ADD COLUMN finish_within_us bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN later.job_type.start_within_us IS 'Microseconds after the job is due; 0: whenever';
COMMENT ON COLUMN later.job_type.finish_within_us IS 'As start_within_us';
