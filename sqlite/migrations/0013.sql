-- Version 13: the id of a job need not be in later_sequence as long as the job is there.
-- So a program of an earlier version would give ids again. The bound: see next_numbers.
CREATE TRIGGER later_job_number AFTER DELETE ON later_job WHEN old.id > (SELECT value FROM later_sequence) AND old.id < 1 << 60
BEGIN
  UPDATE later_sequence SET value = old.id;
END;
