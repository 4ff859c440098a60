
-- Version 5: unique keys.
CREATE TABLE later.unique_key (
  type       text COLLATE "C" NOT NULL,
  key        text COLLATE "C" NOT NULL,
  job_id     bigint NOT NULL,
  scope      smallint NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (type, key)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE later.unique_key IS 'Which job holds a key, while it is in its scope.';
COMMENT ON COLUMN later.unique_key.key IS 'Of the jobs of the type at most one holds it';
COMMENT ON COLUMN later.unique_key.scope IS '1 until the job is done, 2 while it waits, 3 for a period';
COMMENT ON COLUMN later.unique_key.expires_at IS 'Of a period';
-- the end of a job frees its key. The condition keeps the index from statements that
-- look for a key: see job_by_type
CREATE INDEX unique_key_job ON later.unique_key (job_id) WHERE job_id > 0;
-- a claim asks whether there is any such key at all, before it looks for those of its jobs
CREATE INDEX unique_key_waiting ON later.unique_key (job_id) WHERE scope = 2;
-- upkeep: periods that are over
CREATE INDEX unique_key_expiry ON later.unique_key (expires_at) WHERE expires_at IS NOT NULL;
ALTER TABLE later.job_type ADD COLUMN uniqueness json;
COMMENT ON COLUMN later.job_type.uniqueness IS 'What makes the unique keys of its jobs, how long they are held, and what a conflict leads to';
COMMENT ON TABLE later.job IS 'What was asked for. Written once; only a unique job that waits may be replaced.';

-- The key is shown. Escapes that no text can hold, written by hand, must not break the view.
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

CREATE OR REPLACE VIEW later.jobs_finished AS
SELECT j.id, j.type, j.queue, CASE f.status WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' ELSE 'cancelled' END AS status,
  j.priority, j.args AS parameters, f.result, f.error,
  greatest(f.attempt - 1, 0) AS retry_count, j.max_retries, f.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  f.started_at, f.finished_at AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.finished f JOIN later.job j ON j.id = f.job_id;
