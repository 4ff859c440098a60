-- Version 8: who changed what.
CREATE TABLE later_audit (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  person  TEXT NOT NULL,            -- who; empty: nobody said
  source  TEXT NOT NULL,            -- dashboard, cli, api or program
  action  TEXT NOT NULL,
  kind    TEXT NOT NULL,            -- of the target: job, jobs, queue, schedule, …
  target  TEXT NOT NULL,            -- an id, a name, or the query of a filter
  reason  TEXT NOT NULL,
  jobs    INTEGER NOT NULL,         -- how many were changed
  was     TEXT NOT NULL,            -- what it was before, where that is short
  became  TEXT NOT NULL             -- and after
) STRICT;
-- "what has this person done", "who has deleted jobs", "who has touched this queue"
CREATE INDEX later_audit_person ON later_audit (person, id);
CREATE INDEX later_audit_action ON later_audit (action, id);
CREATE INDEX later_audit_target ON later_audit (kind, target, id);

-- The jobs of an entry, the first thousand of them.
CREATE TABLE later_audit_job (
  job_id   INTEGER NOT NULL,
  audit_id INTEGER NOT NULL,
  PRIMARY KEY (job_id, audit_id)
) STRICT, WITHOUT ROWID;
-- those of old entries are forgotten with them
CREATE INDEX later_audit_job_entry ON later_audit_job (audit_id);

ALTER TABLE later_queue ADD COLUMN person TEXT NOT NULL DEFAULT ''; -- who paused it
