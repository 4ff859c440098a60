
-- Version 6: what jobs remember from one performing to the next, so that a retry does not do
-- again what is done: later.Step, later.Cursor, later.Sleep. Written under the token
-- of the job's claim; a job without steps has no row here.
CREATE TABLE later.step (
  job_id  bigint NOT NULL,
  at      timestamptz NOT NULL,
  attempt integer NOT NULL,
  name    text COLLATE "C" NOT NULL,
  kind    text COLLATE "C" NOT NULL,
  result  json,
  PRIMARY KEY (job_id, name)
);
COMMENT ON TABLE later.step IS 'What jobs remember from one performing to the next.';
COMMENT ON COLUMN later.step.at IS 'When it was saved last';
COMMENT ON COLUMN later.step.attempt IS 'The attempt that saved it last';
COMMENT ON COLUMN later.step.kind IS 'step, cursor, sleep';
COMMENT ON COLUMN later.step.result IS 'What came of a step, the place of a cursor, the end of a sleep';

-- An attempt that is retried after progress has the outcome progressed: its error is
-- that of the job as well.
COMMENT ON COLUMN later.attempt.outcome IS 'retried, progressed, postponed, failed, cancelled, crashed';

CREATE OR REPLACE VIEW later.jobs_waiting AS
SELECT j.id, j.type, j.queue, CASE w.kind WHEN 3 THEN 'retrying' ELSE 'scheduled' END AS status, j.priority,
  j.args AS parameters, NULL::json AS result,
  CASE w.kind WHEN 2 THEN w.reason ELSE (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) END AS error,
  w.attempt AS retry_count, j.max_retries, w.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  NULL::timestamptz AS started_at, NULL::timestamptz AS completed_at, w.run_at AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.waiting w JOIN later.job j ON j.id = w.job_id;

CREATE OR REPLACE VIEW later.jobs_pending AS
SELECT j.id, j.type, j.queue, 'pending' AS status, j.priority, j.args AS parameters, NULL::json AS result,
  (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) AS error,
  r.attempt AS retry_count, j.max_retries, r.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  NULL::timestamptz AS started_at, NULL::timestamptz AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.ready r JOIN later.job j ON j.id = r.job_id;

CREATE OR REPLACE VIEW later.jobs_running AS
SELECT j.id, j.type, j.queue, 'running' AS status, j.priority, j.args AS parameters, NULL::json AS result,
  (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) AS error,
  c.attempt AS retry_count, j.max_retries, c.crashes, j.user_id, j.target_id, j.tags, j.metadata, CASE WHEN j.options::text !~ '\\u(0000|[dD][89a-fA-F])' THEN j.options->'unique'->>'key' END AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  c.claimed_at AS started_at, NULL::timestamptz AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.claimed c JOIN later.job j ON j.id = c.job_id;
