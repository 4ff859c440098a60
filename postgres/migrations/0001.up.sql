-- The tables of later, version 1. A job is in exactly one place: waiting, ready,
-- claimed or finished. There are no foreign keys and no triggers: each step in the
-- life of a job is one statement that deletes from one place and inserts into the
-- next. Texts are compared byte by byte (COLLATE "C"), so that an order does not
-- depend on the locale of the database.

-- Ids of jobs, and places in line of those that are ready again.
CREATE SEQUENCE later.number AS bigint;

CREATE TABLE later.job (
  id           bigint PRIMARY KEY,
  type         text COLLATE "C" NOT NULL,
  queue        text COLLATE "C" NOT NULL,
  priority     smallint NOT NULL,
  args         json NOT NULL,
  metadata     json,
  user_id      text COLLATE "C",
  target_id    text COLLATE "C",
  tags         text[] COLLATE "C",
  max_retries  integer NOT NULL,
  timeout_us   bigint NOT NULL,
  queued_at    timestamptz NOT NULL,
  scheduled_at timestamptz
);
COMMENT ON TABLE later.job IS 'What was asked for. Written once, never updated.';
COMMENT ON COLUMN later.job.id IS 'Rises with the order of enqueueing';
COMMENT ON COLUMN later.job.priority IS 'Higher first';
COMMENT ON COLUMN later.job.args IS 'Byte for byte as enqueued';
COMMENT ON COLUMN later.job.metadata IS 'A JSON object of the caller''s own';
COMMENT ON COLUMN later.job.user_id IS 'Who owns the job';
COMMENT ON COLUMN later.job.target_id IS 'What the job works on';
COMMENT ON COLUMN later.job.max_retries IS 'Attempts beyond the first';
COMMENT ON COLUMN later.job.timeout_us IS 'Microseconds per attempt; 0: none';
COMMENT ON COLUMN later.job.scheduled_at IS 'The time that was asked for';
-- "all jobs of a type", newest first. The condition, like that of waiting_due below,
-- keeps the index from statements that look for an id alone: a planner that takes the
-- table for empty found them equally good, and walked all of it for each job.
CREATE INDEX job_by_type ON later.job (type, id) WHERE type <> '';
-- "everything of this user", "everything for this target"
CREATE INDEX job_by_user ON later.job (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX job_by_target ON later.job (target_id, id) WHERE target_id IS NOT NULL;

-- The tables through which jobs pass lose every row again. Vacuum must come when
-- there is something to clean, however much the tables held before.
CREATE TABLE later.waiting (
  job_id   bigint PRIMARY KEY,
  run_at   timestamptz NOT NULL,
  priority smallint NOT NULL,
  kind     smallint NOT NULL,
  attempt  integer NOT NULL,
  crashes  integer NOT NULL,
  queue    text COLLATE "C" NOT NULL,
  type     text COLLATE "C" NOT NULL,
  reason   text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE later.waiting IS 'Jobs whose time has not come: scheduled and retrying.';
COMMENT ON COLUMN later.waiting.kind IS '1 scheduled, 2 postponed, 3 retrying';
COMMENT ON COLUMN later.waiting.attempt IS 'Attempts so far that counted';
COMMENT ON COLUMN later.waiting.crashes IS 'Processes that died while they had the job';
COMMENT ON COLUMN later.waiting.queue IS 'Queue, type and priority are copied from job, so that the steps of a job need not look it up';
COMMENT ON COLUMN later.waiting.reason IS 'Of a postponement';
-- promotion: what is due, earliest first
CREATE INDEX waiting_due ON later.waiting (run_at, job_id) WHERE run_at > '-infinity';

CREATE TABLE later.ready (
  job_id   bigint PRIMARY KEY,
  position bigint NOT NULL,
  priority smallint NOT NULL,
  suspect  boolean NOT NULL GENERATED ALWAYS AS (crashes >= 2) STORED,
  attempt  integer NOT NULL,
  crashes  integer NOT NULL,
  queue    text COLLATE "C" NOT NULL,
  type     text COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE later.ready IS 'Jobs that can start: pending.';
COMMENT ON COLUMN later.ready.position IS 'Place in line: the id, or a fresh number when ready again';
COMMENT ON COLUMN later.ready.suspect IS 'May have killed its processes: claimed apart';
-- the lines: a claim seeks the place in each where the living rows begin
CREATE INDEX ready_line ON later.ready (suspect, queue, priority, position);

CREATE TABLE later.claimed (
  job_id        bigint PRIMARY KEY,
  token         bigint NOT NULL,
  process_id    bigint NOT NULL,
  claimed_at    timestamptz NOT NULL,
  position      bigint NOT NULL,
  priority      smallint NOT NULL,
  attempt       integer NOT NULL,
  crashes       integer NOT NULL,
  queue         text COLLATE "C" NOT NULL,
  type          text COLLATE "C" NOT NULL,
  cancel_reason text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE later.claimed IS 'Jobs in the hands of a process: running.';
COMMENT ON COLUMN later.claimed.token IS 'Authority: an outcome counts only under it';
COMMENT ON COLUMN later.claimed.attempt IS 'Attempts so far that counted, without this one';
COMMENT ON COLUMN later.claimed.cancel_reason IS 'Somebody asked to stop the job. In this row, so that an outcome that waits for the lock of the request sees it';

CREATE TABLE later.finished (
  job_id      bigint PRIMARY KEY,
  process_id  bigint,
  token       bigint,
  started_at  timestamptz,
  finished_at timestamptz NOT NULL,
  status      smallint NOT NULL,
  attempt     integer NOT NULL,
  crashes     integer NOT NULL,
  result      json,
  error       text
);
COMMENT ON TABLE later.finished IS 'Jobs at their end.';
COMMENT ON COLUMN later.finished.status IS '1 completed, 2 failed, 3 cancelled';
COMMENT ON COLUMN later.finished.process_id IS 'The one that ran it last';
COMMENT ON COLUMN later.finished.token IS 'Of the last claim, so that a repeated outcome is known';
COMMENT ON COLUMN later.finished.error IS 'Of the last attempt, or why it was cancelled';
-- failed and cancelled jobs are few among many completed ones
CREATE INDEX finished_bad ON later.finished (status, job_id) WHERE status <> 1;

CREATE TABLE later.attempt (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id      bigint NOT NULL,
  token       bigint NOT NULL,
  process_id  bigint NOT NULL,
  started_at  timestamptz,
  finished_at timestamptz NOT NULL,
  number      integer NOT NULL,
  outcome     text COLLATE "C" NOT NULL,
  error       text,
  stack       text
);
COMMENT ON TABLE later.attempt IS 'One row per attempt that did not simply complete.';
COMMENT ON COLUMN later.attempt.id IS 'The order in which they were recorded';
COMMENT ON COLUMN later.attempt.number IS '1 for the first';
COMMENT ON COLUMN later.attempt.outcome IS 'retried, postponed, failed, cancelled, crashed';
COMMENT ON COLUMN later.attempt.stack IS 'Of a panic';
CREATE INDEX attempt_job ON later.attempt (job_id, id);

-- A row is updated with every heartbeat: room for its versions on its own page.
CREATE TABLE later.process (
  id         bigint PRIMARY KEY,
  beat       bigint NOT NULL,
  beat_at    timestamptz NOT NULL,
  started_at timestamptz NOT NULL,
  pid        bigint NOT NULL,
  slots      bigint NOT NULL,
  state      text COLLATE "C" NOT NULL,
  host       text COLLATE "C" NOT NULL,
  version    text COLLATE "C" NOT NULL,
  queues     json
) WITH (fillfactor = 50);
COMMENT ON TABLE later.process IS 'The processes that work on this store.';
COMMENT ON COLUMN later.process.id IS 'Random; a new start is a new process';
COMMENT ON COLUMN later.process.beat IS 'Raised with every heartbeat';
COMMENT ON COLUMN later.process.beat_at IS 'For people; death is never computed from it';
COMMENT ON COLUMN later.process.queues IS 'Slots per queue; NULL: every queue';

CREATE TABLE later.job_type (
  name        text COLLATE "C" PRIMARY KEY,
  description text NOT NULL,
  queue       text COLLATE "C" NOT NULL,
  priority    smallint NOT NULL,
  max_retries integer NOT NULL,
  timeout_us  bigint NOT NULL,
  schema      json,
  seen_at     timestamptz NOT NULL
);
COMMENT ON TABLE later.job_type IS 'What processes have published of the types that they perform.';
COMMENT ON COLUMN later.job_type.schema IS 'JSON Schema of the arguments';

CREATE TABLE later.queue (
  name      text COLLATE "C" PRIMARY KEY,
  paused_at timestamptz NOT NULL,
  reason    text NOT NULL
);
COMMENT ON TABLE later.queue IS 'Queues that are paused. The others need no row.';

CREATE TABLE later.progress (
  job_id  bigint PRIMARY KEY,
  done    bigint NOT NULL,
  total   bigint NOT NULL,
  at      timestamptz NOT NULL,
  message text NOT NULL
);
COMMENT ON TABLE later.progress IS 'What running jobs last said of their progress.';
COMMENT ON COLUMN later.progress.total IS '0: unknown';

CREATE TABLE later.log (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id  bigint NOT NULL,
  at      timestamptz NOT NULL,
  attempt integer NOT NULL,
  level   text NOT NULL,
  message text NOT NULL,
  attrs   json
);
COMMENT ON TABLE later.log IS 'The jobs'' own logs.';
CREATE INDEX log_job ON later.log (job_id, id);

-- One row per batch and status, summed up by Prune: a single row that every batch
-- updates would grow a chain of dead versions under an old snapshot.
CREATE TABLE later.count (
  status smallint NOT NULL,
  jobs   bigint NOT NULL
);
COMMENT ON TABLE later.count IS 'How many finished jobs there are, in parts to be summed, so that nobody has to count the history.';
COMMENT ON COLUMN later.count.status IS 'As in finished';

CREATE TABLE later.meta (
  name  text COLLATE "C" PRIMARY KEY,
  value text NOT NULL
);
COMMENT ON TABLE later.meta IS 'Facts about the store: store_id, schema_version, and epoch, the history of the database that it was last seen in.';
INSERT INTO later.meta (name, value) VALUES ('store_id', replace(gen_random_uuid()::text, '-', ''));

-- For people: SELECT * FROM later.jobs WHERE type = 'MyJob'.
CREATE VIEW later.jobs_waiting AS
SELECT j.id, j.type, j.queue, CASE w.kind WHEN 3 THEN 'retrying' ELSE 'scheduled' END AS status, j.priority,
  j.args AS parameters, NULL::json AS result,
  CASE w.kind WHEN 2 THEN w.reason ELSE (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) END AS error,
  w.attempt AS retry_count, j.max_retries, w.crashes, j.user_id, j.target_id, j.tags, j.metadata, NULL::text AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  NULL::timestamptz AS started_at, NULL::timestamptz AS completed_at, w.run_at AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.waiting w JOIN later.job j ON j.id = w.job_id;

CREATE VIEW later.jobs_pending AS
SELECT j.id, j.type, j.queue, 'pending' AS status, j.priority, j.args AS parameters, NULL::json AS result,
  (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) AS error,
  r.attempt AS retry_count, j.max_retries, r.crashes, j.user_id, j.target_id, j.tags, j.metadata, NULL::text AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  NULL::timestamptz AS started_at, NULL::timestamptz AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.ready r JOIN later.job j ON j.id = r.job_id;

CREATE VIEW later.jobs_running AS
SELECT j.id, j.type, j.queue, 'running' AS status, j.priority, j.args AS parameters, NULL::json AS result,
  (SELECT a.error FROM later.attempt a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) AS error,
  c.attempt AS retry_count, j.max_retries, c.crashes, j.user_id, j.target_id, j.tags, j.metadata, NULL::text AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  c.claimed_at AS started_at, NULL::timestamptz AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.claimed c JOIN later.job j ON j.id = c.job_id;

CREATE VIEW later.jobs_finished AS
SELECT j.id, j.type, j.queue, CASE f.status WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' ELSE 'cancelled' END AS status,
  j.priority, j.args AS parameters, f.result, f.error,
  greatest(f.attempt - 1, 0) AS retry_count, j.max_retries, f.crashes, j.user_id, j.target_id, j.tags, j.metadata, NULL::text AS dedupe_key,
  j.timeout_us / 1000 AS timeout_ms, j.queued_at, j.scheduled_at,
  f.started_at, f.finished_at AS completed_at, NULL::timestamptz AS next_retry_at,
  (SELECT p.done || '/' || p.total || ' ' || p.message FROM later.progress p WHERE p.job_id = j.id) AS progress
FROM later.finished f JOIN later.job j ON j.id = f.job_id;

CREATE VIEW later.jobs_failed AS SELECT * FROM later.jobs_finished WHERE status = 'failed';

CREATE VIEW later.jobs AS
SELECT * FROM later.jobs_waiting UNION ALL SELECT * FROM later.jobs_pending UNION ALL
SELECT * FROM later.jobs_running UNION ALL SELECT * FROM later.jobs_finished;
