-- Version 9: what a process performs, and what is asked of it.

-- A JSON array of names; NULL: it joined under an older version.
ALTER TABLE later_process ADD COLUMN performs TEXT;

-- What people ask of a process, with its answers. The process's heartbeat looks here;
-- rows are deleted a few minutes after they were made.
CREATE TABLE later_request (
  id          INTEGER PRIMARY KEY,  -- random
  process_id  INTEGER NOT NULL,
  kind        TEXT NOT NULL,        -- drain, resume, stack
  job_id      INTEGER NOT NULL,     -- of stack
  by          TEXT NOT NULL,        -- who asks, for people
  asked_at    INTEGER NOT NULL,
  answered_at INTEGER,
  answer      TEXT
) STRICT;
-- what a heartbeat looks for
CREATE INDEX later_request_open ON later_request (process_id) WHERE answered_at IS NULL;
