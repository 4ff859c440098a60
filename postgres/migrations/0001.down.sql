-- Takes everything of version 1 away, jobs included.
DROP VIEW later.jobs, later.jobs_failed, later.jobs_finished, later.jobs_running, later.jobs_pending, later.jobs_waiting;
DROP TABLE later.job, later.waiting, later.ready, later.claimed, later.finished, later.attempt, later.process,
  later.job_type, later.queue, later.progress, later.log, later.count, later.meta;
DROP SEQUENCE later.number;
