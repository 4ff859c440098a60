-- Version 12: the jobs that an operation has changed, and the clocks of processes. Operations of earlier versions have no jobs.
CREATE TABLE later.operation_job (
  operation_id bigint NOT NULL,
  job_id       bigint NOT NULL,
  PRIMARY KEY (operation_id, job_id)
);
COMMENT ON TABLE later.operation_job IS 'The jobs that an operation has changed, as long as it is kept. They may have been deleted since.';
COMMENT ON COLUMN later.operation_job.operation_id IS 'The operation';
COMMENT ON COLUMN later.operation_job.job_id IS 'The job';

ALTER TABLE later.process ADD COLUMN clock_ahead_us bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN later.process.clock_ahead_us IS 'By how much its clock was ahead of that of the database, in microseconds, less what is uncertain; negative: behind';
