
-- Version 10: causes, which are what failures have in common. A cause is named by a hash.
CREATE TABLE later_cause (
  id          INTEGER PRIMARY KEY,
  type        TEXT NOT NULL,        -- of the jobs
  error_type  TEXT NOT NULL,        -- Go's type of the error; panic, crash
  title       TEXT NOT NULL,        -- the message, … for what differs from one failure to the next
  sample      TEXT NOT NULL,        -- the whole message of the first failure
  first_seen  INTEGER NOT NULL,
  last_seen   INTEGER NOT NULL,
  total       INTEGER NOT NULL,     -- failed attempts
  muted_until INTEGER               -- it raises no attention before
) STRICT;
-- those seen last, and those to be forgotten
CREATE INDEX later_cause_seen ON later_cause (last_seen);

-- How often each cause was met, per ten minutes: for charts.
CREATE TABLE later_cause_count (
  cause    INTEGER NOT NULL,
  at       INTEGER NOT NULL,        -- when they begin
  failures INTEGER NOT NULL,
  PRIMARY KEY (cause, at)
) STRICT, WITHOUT ROWID;

ALTER TABLE later_attempt ADD COLUMN cause INTEGER; -- of a failure
-- The cause of the latest error of a failed or retrying job. Jobs that failed before this
-- version have none. The indexes hold failures only.
ALTER TABLE later_finished ADD COLUMN cause INTEGER;
CREATE INDEX later_finished_cause ON later_finished (cause, job_id) WHERE cause IS NOT NULL;
ALTER TABLE later_waiting ADD COLUMN cause INTEGER;
CREATE INDEX later_waiting_cause ON later_waiting (cause, job_id) WHERE cause IS NOT NULL;
