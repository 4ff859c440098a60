-- Version 12: the jobs that an operation has changed, as long as the operation is kept.
-- Jobs may have been deleted since. Operations of earlier versions have none.
CREATE TABLE later_operation_job (
  operation_id INTEGER NOT NULL,
  job_id       INTEGER NOT NULL,
  PRIMARY KEY (operation_id, job_id)
) STRICT, WITHOUT ROWID;
