
-- Version 6: what jobs remember from one performing to the next, so that a retry does not do
-- again what is done: later.Step, later.Cursor, later.Sleep. Written under the token
-- of the job's claim; a job without steps has no row here.
CREATE TABLE later_step (
  job_id  INTEGER NOT NULL,
  name    TEXT NOT NULL,
  kind    TEXT NOT NULL,            -- step, cursor, sleep
  result  TEXT,                     -- JSON: what came of a step, the place of a cursor, the end of a sleep
  at      INTEGER NOT NULL,         -- when it was saved last
  attempt INTEGER NOT NULL,         -- the attempt that saved it last
  PRIMARY KEY (job_id, name)
) STRICT, WITHOUT ROWID;

-- An attempt that is retried after progress has the outcome progressed: its error is
-- that of the job as well.
DROP VIEW jobs_waiting;
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

DROP VIEW jobs_pending;
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

DROP VIEW jobs_running;
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
