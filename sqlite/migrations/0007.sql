-- Version 7: recurring schedules.

-- One row per schedule. Whoever changes one raises its revision, and has read it before:
-- of two that change it at once the second one fails.
CREATE TABLE later_schedule (
  name         TEXT PRIMARY KEY,
  revision     INTEGER NOT NULL,
  definition   TEXT NOT NULL,       -- a JSON object: rule, zone, policies, and the job that is enqueued
  code         TEXT NOT NULL,       -- a JSON object: which programs define it
  next_tick    INTEGER,             -- the next due instant of the rule
  due_at       INTEGER,             -- when it is to be enqueued; NULL: not at all
  last_tick    INTEGER,             -- the last instant that is dealt with
  last_job     INTEGER NOT NULL,    -- the id of the last job that it enqueued; 0: none
  paused_at    INTEGER,
  pause_reason TEXT NOT NULL,
  saved_at     INTEGER              -- when its definition last changed
) STRICT, WITHOUT ROWID;
-- what is due
CREATE INDEX later_schedule_due ON later_schedule (due_at) WHERE due_at IS NOT NULL;

-- One row per instant for which a job was enqueued, so that there is one job for it,
-- whatever else happens. Those of long ago are deleted.
CREATE TABLE later_tick (
  schedule TEXT NOT NULL,
  tick     INTEGER NOT NULL,
  PRIMARY KEY (schedule, tick)
) STRICT, WITHOUT ROWID;
