CREATE INDEX later_attempt_job ON later_attempt (job_id, id);
CREATE INDEX later_audit_action ON later_audit (action, id);
CREATE INDEX later_audit_job_entry ON later_audit_job (audit_id);
CREATE INDEX later_audit_person ON later_audit (person, id);
CREATE INDEX later_audit_target ON later_audit (kind, target, id);
CREATE INDEX later_cause_seen ON later_cause (last_seen);
CREATE INDEX later_finished_bad ON later_finished (status, job_id) WHERE status <> 1;
CREATE INDEX later_finished_cause ON later_finished (cause, job_id) WHERE cause IS NOT NULL;
CREATE INDEX later_job_by_target ON later_job (target_id, id) WHERE target_id IS NOT NULL;
CREATE INDEX later_job_by_type ON later_job (type, id);
CREATE INDEX later_job_by_user ON later_job (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX later_log_job ON later_log (job_id, id);
CREATE INDEX later_operation_step_operation ON later_operation_step (operation_id, id);
CREATE INDEX later_operation_working ON later_operation (id) WHERE state IN ('running', 'undoing');
CREATE INDEX later_ready_line ON later_ready (queue, priority DESC, position, type, crashes) WHERE crashes < 2;
CREATE INDEX later_ready_suspects ON later_ready (queue, priority DESC, position, type, crashes) WHERE crashes >= 2;
CREATE INDEX later_request_open ON later_request (process_id) WHERE answered_at IS NULL;
CREATE INDEX later_rollup_time ON later_rollup (span_s, at);
CREATE INDEX later_schedule_due ON later_schedule (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX later_unique_key_expiry ON later_unique_key (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX later_unique_key_job ON later_unique_key (job_id);
CREATE INDEX later_waiting_cause ON later_waiting (cause, job_id) WHERE cause IS NOT NULL;
CREATE INDEX later_waiting_due ON later_waiting (run_at, job_id);
CREATE TABLE later_attempt (
  id          INTEGER PRIMARY KEY,  -- the order in which they were recorded
  job_id      INTEGER NOT NULL,
  token       INTEGER NOT NULL,
  number      INTEGER NOT NULL,     -- 1 for the first
  outcome     TEXT NOT NULL,        -- retried, postponed, failed, cancelled, crashed
  process_id  INTEGER NOT NULL,
  started_at  INTEGER,
  finished_at INTEGER NOT NULL,
  error       TEXT,
  stack       TEXT                  -- of a panic
, rule_retries TEXT, cause INTEGER) STRICT;
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
CREATE TABLE later_audit_job (
  job_id   INTEGER NOT NULL,
  audit_id INTEGER NOT NULL,
  PRIMARY KEY (job_id, audit_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE later_cancel_request (
  job_id       INTEGER PRIMARY KEY,
  reason       TEXT NOT NULL,
  requested_at INTEGER NOT NULL
) STRICT;
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
CREATE TABLE later_cause_count (
  cause    INTEGER NOT NULL,
  at       INTEGER NOT NULL,        -- when they begin
  failures INTEGER NOT NULL,
  PRIMARY KEY (cause, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE later_claimed (
  job_id     INTEGER PRIMARY KEY,
  token      INTEGER NOT NULL,      -- authority: an outcome counts only under it
  process_id INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL,
  queue      TEXT NOT NULL,
  type       TEXT NOT NULL,
  priority   INTEGER NOT NULL,
  position   INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,      -- attempts so far that counted, without this one
  crashes    INTEGER NOT NULL
) STRICT;
CREATE TABLE later_count (
  status INTEGER PRIMARY KEY,       -- as in later_finished
  jobs   INTEGER NOT NULL
) STRICT;
CREATE TABLE later_finished (
  job_id      INTEGER PRIMARY KEY,
  status      INTEGER NOT NULL,     -- 1 completed, 2 failed, 3 cancelled
  attempt     INTEGER NOT NULL,
  crashes     INTEGER NOT NULL,
  process_id  INTEGER,              -- the one that ran it last
  token       INTEGER,              -- of the last claim, so that a repeated outcome is known
  started_at  INTEGER,
  finished_at INTEGER NOT NULL,
  result      TEXT,                 -- JSON
  error       TEXT                  -- of the last attempt, or why it was cancelled
, cause INTEGER) STRICT;
CREATE TABLE later_job (
  id           INTEGER PRIMARY KEY, -- from later_sequence; rises with the order of enqueueing
  type         TEXT NOT NULL,
  queue        TEXT NOT NULL,
  priority     INTEGER NOT NULL,    -- higher first
  args         TEXT NOT NULL,       -- JSON, byte for byte as enqueued
  metadata     TEXT,                -- a JSON object of the caller's own
  user_id      TEXT,                -- who owns the job
  target_id    TEXT,                -- what it works on
  tags         TEXT,                -- a JSON array of strings
  max_retries  INTEGER NOT NULL,    -- attempts beyond the first
  timeout_us   INTEGER NOT NULL,    -- per attempt; 0: none
  queued_at    INTEGER NOT NULL,
  scheduled_at INTEGER              -- the time that was asked for
, options TEXT) STRICT;
CREATE TABLE later_job_type (
  name        TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  queue       TEXT NOT NULL,
  priority    INTEGER NOT NULL,
  max_retries INTEGER NOT NULL,
  timeout_us  INTEGER NOT NULL,
  schema      TEXT,                 -- JSON Schema of the arguments
  seen_at     INTEGER NOT NULL
, start_within_us INTEGER NOT NULL DEFAULT 0, finish_within_us INTEGER NOT NULL DEFAULT 0, uniqueness TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE later_log (
  id      INTEGER PRIMARY KEY,
  job_id  INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  level   TEXT NOT NULL,
  message TEXT NOT NULL,
  attrs   TEXT                      -- a JSON object
) STRICT;
CREATE TABLE later_meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE later_operation_job (
  operation_id INTEGER NOT NULL,
  job_id       INTEGER NOT NULL,
  PRIMARY KEY (operation_id, job_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE later_operation_step (
  id           INTEGER PRIMARY KEY,
  operation_id INTEGER NOT NULL,
  images       BLOB NOT NULL
) STRICT;
CREATE TABLE later_process (
  id         INTEGER PRIMARY KEY,   -- random; a new start is a new process
  beat       INTEGER NOT NULL,      -- raised with every heartbeat
  beat_at    INTEGER NOT NULL,      -- for people; death is never computed from it
  state      TEXT NOT NULL,
  host       TEXT NOT NULL,
  pid        INTEGER NOT NULL,
  version    TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  queues     TEXT,                  -- a JSON object: slots per queue; NULL: every queue
  slots      INTEGER NOT NULL
, performs TEXT) STRICT;
CREATE TABLE later_progress (
  job_id  INTEGER PRIMARY KEY,
  done    INTEGER NOT NULL,
  total   INTEGER NOT NULL,         -- 0: unknown
  message TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE TABLE later_queue (
  name      TEXT PRIMARY KEY,
  paused_at INTEGER NOT NULL,
  reason    TEXT NOT NULL
, person TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
CREATE TABLE later_ready (
  job_id   INTEGER PRIMARY KEY,
  queue    TEXT NOT NULL,
  type     TEXT NOT NULL,
  priority INTEGER NOT NULL,
  position INTEGER NOT NULL,        -- place in line: the id, or a fresh number when ready again
  attempt  INTEGER NOT NULL,
  crashes  INTEGER NOT NULL
) STRICT;
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
CREATE TABLE later_rollup (
  id        INTEGER PRIMARY KEY,
  span_s    INTEGER NOT NULL,     -- how long, in seconds
  at        INTEGER NOT NULL,     -- when it begins
  queue     TEXT NOT NULL,
  type      TEXT NOT NULL,
  completed INTEGER NOT NULL,     -- outcomes
  retried   INTEGER NOT NULL,
  postponed INTEGER NOT NULL,
  failed    INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  wait      TEXT NOT NULL,        -- histogram of waits: bucket:count, bucket n below 2^n ms
  run       TEXT NOT NULL         -- histogram of run times
) STRICT;
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
CREATE TABLE later_sequence (value INTEGER NOT NULL) STRICT;
CREATE TABLE later_step (
  job_id  INTEGER NOT NULL,
  name    TEXT NOT NULL,
  kind    TEXT NOT NULL,            -- step, cursor, sleep
  result  TEXT,                     -- JSON: what came of a step, the place of a cursor, the end of a sleep
  at      INTEGER NOT NULL,         -- when it was saved last
  attempt INTEGER NOT NULL,         -- the attempt that saved it last
  PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE later_tick (
  schedule TEXT NOT NULL,
  tick     INTEGER NOT NULL,
  PRIMARY KEY (schedule, tick)
) STRICT, WITHOUT ROWID;
CREATE TABLE later_unique_key (
  type       TEXT NOT NULL,
  key        TEXT NOT NULL,
  job_id     INTEGER NOT NULL,
  scope      INTEGER NOT NULL,      -- 1 until the job is done, 2 while it waits, 3 for a period
  expires_at INTEGER,               -- of a period
  PRIMARY KEY (type, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE later_waiting (
  job_id   INTEGER PRIMARY KEY,
  run_at   INTEGER NOT NULL,
  kind     INTEGER NOT NULL,        -- 1 scheduled, 2 postponed, 3 retrying
  reason   TEXT,                    -- of a postponement
  queue    TEXT NOT NULL,           -- queue, type and priority are copied from later_job so that
  type     TEXT NOT NULL,           -- the steps of a job need not look it up
  priority INTEGER NOT NULL,
  attempt  INTEGER NOT NULL,        -- attempts so far that counted
  crashes  INTEGER NOT NULL         -- processes that died while they had the job
, cause INTEGER) STRICT;
CREATE TRIGGER later_job_number AFTER DELETE ON later_job WHEN old.id > (SELECT value FROM later_sequence) AND old.id < 1 << 60
BEGIN
  UPDATE later_sequence SET value = old.id;
END;
CREATE VIEW jobs AS
SELECT * FROM jobs_waiting UNION ALL SELECT * FROM jobs_pending UNION ALL
SELECT * FROM jobs_running UNION ALL SELECT * FROM jobs_finished;
CREATE VIEW jobs_failed AS SELECT * FROM jobs_finished WHERE status = 'failed';
CREATE VIEW jobs_finished AS
SELECT j.id, j.type, j.queue, CASE f.status WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' ELSE 'cancelled' END AS status,
  j.priority, j.args AS parameters, f.result, f.error,
  max(f.attempt - 1, 0) AS retry_count, j.max_retries, f.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN json_valid(j.options) THEN j.options->>'$.unique.key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.queued_at / 1e6, 'unixepoch') AS queued_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.scheduled_at / 1e6, 'unixepoch') AS scheduled_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', f.started_at / 1e6, 'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', f.finished_at / 1e6, 'unixepoch') AS completed_at, NULL AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later_progress p WHERE p.job_id = j.id) AS progress
FROM later_finished f JOIN later_job j ON j.id = f.job_id;
CREATE VIEW jobs_pending AS
SELECT j.id, j.type, j.queue, 'pending' AS status, j.priority, j.args AS parameters, NULL AS result,
  (SELECT a.error FROM later_attempt a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) AS error,
  r.attempt AS retry_count, j.max_retries, r.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN json_valid(j.options) THEN j.options->>'$.unique.key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.queued_at / 1e6, 'unixepoch') AS queued_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.scheduled_at / 1e6, 'unixepoch') AS scheduled_at,
  NULL AS started_at, NULL AS completed_at, NULL AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later_progress p WHERE p.job_id = j.id) AS progress
FROM later_ready r JOIN later_job j ON j.id = r.job_id;
CREATE VIEW jobs_running AS
SELECT j.id, j.type, j.queue, 'running' AS status, j.priority, j.args AS parameters, NULL AS result,
  (SELECT a.error FROM later_attempt a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) AS error,
  c.attempt AS retry_count, j.max_retries, c.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN json_valid(j.options) THEN j.options->>'$.unique.key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.queued_at / 1e6, 'unixepoch') AS queued_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.scheduled_at / 1e6, 'unixepoch') AS scheduled_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.claimed_at / 1e6, 'unixepoch') AS started_at, NULL AS completed_at, NULL AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later_progress p WHERE p.job_id = j.id) AS progress
FROM later_claimed c JOIN later_job j ON j.id = c.job_id;
CREATE VIEW jobs_waiting AS
SELECT j.id, j.type, j.queue, CASE w.kind WHEN 3 THEN 'retrying' ELSE 'scheduled' END AS status, j.priority,
  j.args AS parameters, NULL AS result,
  CASE w.kind WHEN 2 THEN w.reason ELSE (SELECT a.error FROM later_attempt a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) END AS error,
  w.attempt AS retry_count, j.max_retries, w.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN json_valid(j.options) THEN j.options->>'$.unique.key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.queued_at / 1e6, 'unixepoch') AS queued_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.scheduled_at / 1e6, 'unixepoch') AS scheduled_at,
  NULL AS started_at, NULL AS completed_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', w.run_at / 1e6, 'unixepoch') AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later_progress p WHERE p.job_id = j.id) AS progress
FROM later_waiting w JOIN later_job j ON j.id = w.job_id;
