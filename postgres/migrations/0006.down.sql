-- Takes the steps away.
DROP TABLE later.step;
COMMENT ON COLUMN later.attempt.outcome IS 'retried, postponed, failed, cancelled, crashed';

CREATE OR REPLACE VIEW later.jobs_waiting AS
SELECT j.id, j.type, j.queue, CASE w.kind WHEN 3 THEN 'retrying' ELSE 'scheduled' END AS status, j.priority,
  j.args AS parameters, NULL::json AS result,
  CASE w.kind WHEN 2 THEN w.reason ELSE (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) END AS error,
  w.attempt AS retry_count, j.max_retries, w.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  NULL::timestamptz AS started_at, NULL::timestamptz AS completed_at, w.run_at AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.waiting w JOIN later.job j ON j.id = w.job_id;

CREATE OR REPLACE VIEW later.jobs_pending AS
SELECT j.id, j.type, j.queue, 'pending' AS status, j.priority, j.args AS parameters, NULL::json AS result,
  (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) AS error,
  r.attempt AS retry_count, j.max_retries, r.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  NULL::timestamptz AS started_at, NULL::timestamptz AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.ready r JOIN later.job j ON j.id = r.job_id;

CREATE OR REPLACE VIEW later.jobs_running AS
SELECT j.id, j.type, j.queue, 'running' AS status, j.priority, j.args AS parameters, NULL::json AS result,
  (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) AS error,
  c.attempt AS retry_count, j.max_retries, c.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  c.claimed_at AS started_at, NULL::timestamptz AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.claimed c JOIN later.job j ON j.id = c.job_id;
