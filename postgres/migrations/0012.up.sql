-- Version 12: the jobs that an operation has changed. Operations of earlier versions have none.
CREATE TABLE later.operation_job (
  operation_id bigint NOT NULL,
  job_id       bigint NOT NULL,
  PRIMARY KEY (operation_id, job_id)
);
COMMENT ON TABLE later.operation_job IS 'The jobs that an operation has changed, as long as it is kept. They may have been deleted since.';
COMMENT ON COLUMN later.operation_job.operation_id IS 'The operation';
COMMENT ON COLUMN later.operation_job.job_id IS 'The job';
