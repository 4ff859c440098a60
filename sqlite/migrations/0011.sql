-- Version 11: changes of many jobs, as durable work.
CREATE TABLE later_operation (
  id          INTEGER PRIMARY KEY,
  action      TEXT NOT NULL,        -- cancel, retry, delete or reschedule
  filter      TEXT NOT NULL,        -- a JSON object: which jobs
  at          INTEGER,              -- of a reschedule: the new time
  person      TEXT NOT NULL,
  source      TEXT NOT NULL,
  reason      TEXT NOT NULL,
  state       TEXT NOT NULL,        -- running, done, cancelled, undoing, undone or failed
  bound       INTEGER NOT NULL,     -- only jobs with ids up to it
  cursor      INTEGER NOT NULL,     -- only jobs with ids below it are still to be looked at
  matched     INTEGER NOT NULL,     -- how many there were, counted to 10,000
  changed     INTEGER NOT NULL,
  untouched   INTEGER NOT NULL,     -- fitted, and could not be changed
  restored    INTEGER NOT NULL,     -- by the undo
  not_undone  TEXT NOT NULL,        -- a JSON object: how many could not be restored, by why
  created_at  INTEGER NOT NULL,
  finished_at INTEGER,
  undone_at   INTEGER,
  problem     TEXT NOT NULL,
  audit_id    INTEGER NOT NULL      -- its entry in the audit, which counts the jobs
) STRICT;
-- what has steps to take
CREATE INDEX later_operation_working ON later_operation (id) WHERE state IN ('running', 'undoing');

-- What the jobs of each step were before it, until it is too late to undo.
CREATE TABLE later_operation_step (
  id           INTEGER PRIMARY KEY,
  operation_id INTEGER NOT NULL,
  images       BLOB NOT NULL
) STRICT;
CREATE INDEX later_operation_step_operation ON later_operation_step (operation_id, id);
