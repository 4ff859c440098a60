-- Version 13: the id of a job need not be in later_sequence as long as the job is there.
-- So a program of an earlier version would give ids again.
CREATE TRIGGER later_job_number AFTER DELETE ON later_job WHEN old.id > (SELECT value FROM later_sequence)
BEGIN
  UPDATE later_sequence SET value = old.id;
END;
