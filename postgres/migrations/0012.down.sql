DROP TABLE later.operation_job;
