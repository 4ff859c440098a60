
-- Version 3: what the rules of a definition have counted, and its deadlines.
ALTER TABLE later_attempt ADD COLUMN rule_retries TEXT; -- a JSON object: how often each rule has retried the job so far
ALTER TABLE later_job_type ADD COLUMN start_within_us INTEGER NOT NULL DEFAULT 0; -- after the job is due; 0: whenever
ALTER TABLE later_job_type ADD COLUMN finish_within_us INTEGER NOT NULL DEFAULT 0;
