
-- Version 5: unique keys. Which job holds a key, while it is in its scope.
CREATE TABLE later_unique_key (
  type       TEXT NOT NULL,
  key        TEXT NOT NULL,
  job_id     INTEGER NOT NULL,
  scope      INTEGER NOT NULL,      -- 1 until the job is done, 2 while it waits, 3 for a period
  expires_at INTEGER,               -- of a period
  PRIMARY KEY (type, key)
) STRICT, WITHOUT ROWID;
-- the end of a job frees its key
CREATE INDEX later_unique_key_job ON later_unique_key (job_id);
-- upkeep: periods that are over
CREATE INDEX later_unique_key_expiry ON later_unique_key (expires_at) WHERE expires_at IS NOT NULL;
ALTER TABLE later_job_type ADD COLUMN uniqueness TEXT; -- a JSON object: what makes the unique keys of its jobs

-- The key is shown. Options that somebody has spoiled must not break the view.
DROP VIEW jobs_waiting;
CREATE VIEW jobs_waiting AS
SELECT j.id, j.type, j.queue, CASE w.kind WHEN 3 THEN 'retrying' ELSE 'scheduled' END AS status, j.priority,
  j.args AS parameters, NULL AS result,
  CASE w.kind WHEN 2 THEN w.reason ELSE (SELECT a.error FROM later_attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) END AS error,
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
  (SELECT a.error FROM later_attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) AS error,
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
  (SELECT a.error FROM later_attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) AS error,
  c.attempt AS retry_count, j.max_retries, c.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN json_valid(j.options) THEN j.options->>'$.unique.key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.queued_at / 1e6, 'unixepoch') AS queued_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', j.scheduled_at / 1e6, 'unixepoch') AS scheduled_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.claimed_at / 1e6, 'unixepoch') AS started_at, NULL AS completed_at, NULL AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later_progress p WHERE p.job_id = j.id) AS progress
FROM later_claimed c JOIN later_job j ON j.id = c.job_id;

DROP VIEW jobs_finished;
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
