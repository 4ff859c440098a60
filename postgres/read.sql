-- The statements of the readers.

-- name: jobs
-- Whole jobs by id. Every join is a search by primary key: see write.sql for ANY.
SELECT j.id, j.type, j.queue, j.priority, j.args, j.metadata, j.user_id, j.target_id, j.tags,
  j.max_retries, j.timeout_us, j.queued_at, j.scheduled_at, j.options,
  f.status, f.attempt, f.crashes, f.process_id, f.started_at, f.finished_at, f.result, f.error, coalesce(f.cause, w.cause, 0),
  w.run_at, w.kind, w.reason, w.attempt, w.crashes,
  r.attempt, r.crashes,
  c.token, c.process_id, c.claimed_at, c.attempt, c.crashes,
  c.cancel_reason IS NOT NULL,
  p.done, p.total, p.message, p.at,
  CASE WHEN f.job_id IS NULL THEN (SELECT a.error FROM later.attempt AS a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) END,
  CASE WHEN f.job_id IS NULL AND c.job_id IS NULL THEN (SELECT a.process_id FROM later.attempt AS a WHERE a.job_id = j.id ORDER BY a.id DESC LIMIT 1) END,
  CASE WHEN f.job_id IS NULL AND c.job_id IS NULL THEN (SELECT a.started_at FROM later.attempt AS a WHERE a.job_id = j.id ORDER BY a.id DESC LIMIT 1) END
FROM unnest($1::bigint[]) WITH ORDINALITY AS e(id, place) JOIN later.job AS j ON j.id = ANY (ARRAY[e.id])
LEFT JOIN later.finished AS f ON f.job_id = ANY (ARRAY[j.id])
LEFT JOIN later.waiting AS w ON w.job_id = ANY (ARRAY[j.id])
LEFT JOIN later.ready AS r ON r.job_id = ANY (ARRAY[j.id])
LEFT JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[j.id])
LEFT JOIN later.progress AS p ON p.job_id = ANY (ARRAY[j.id])
ORDER BY e.place;

-- name: attempts
SELECT job_id, number, outcome, process_id, started_at, finished_at, error, stack, rule_retries, coalesce(cause, 0) FROM later.attempt WHERE job_id = $1 ORDER BY id;

-- name: log
SELECT job_id, attempt, at, level, message, attrs FROM later.log WHERE job_id = $1 ORDER BY id;

-- name: steps
SELECT job_id, name, kind, result, at, attempt FROM later.step WHERE job_id = $1 ORDER BY at, name;

-- name: job_types
SELECT name, description, queue, priority, max_retries, timeout_us, schema, seen_at, start_within_us, finish_within_us, uniqueness FROM later.job_type ORDER BY name;

-- name: revision
-- What the server's transactions have come to: the text differs once any of them has ended. It reads no table.
SELECT pg_current_snapshot()::text;

-- name: processes
SELECT id, beat, beat_at, state, host, pid, version, started_at, queues, slots, performs, clock_ahead_us FROM later.process ORDER BY started_at, id;

-- name: request
SELECT id, process_id, kind, job_id, by, asked_at, answered_at, answer FROM later.request WHERE id = $1;

-- name: counts
SELECT status, sum(jobs)::bigint FROM later.count GROUP BY status;

-- name: ready_queues
-- The queues in which something is ready, by one seek in the index each.
WITH RECURSIVE line AS (
  (SELECT suspect, queue FROM later.ready WHERE suspect >= FALSE ORDER BY suspect, queue LIMIT 1)
  UNION ALL
  SELECT n.suspect, n.queue FROM line AS l CROSS JOIN LATERAL (
    SELECT r.suspect, r.queue FROM later.ready AS r
    WHERE (r.suspect, r.queue) > (l.suspect, l.queue) ORDER BY r.suspect, r.queue LIMIT 1) AS n
)
SELECT suspect, queue FROM line;

-- name: count_ready
-- The pending jobs of lines, and the first of each by id. $3: how far.
SELECT l.number, c.jobs, c.oldest FROM unnest($1::boolean[], $2::text[]) WITH ORDINALITY AS l(suspect, queue, number)
CROSS JOIN LATERAL (
  SELECT count(*) AS jobs, min(job_id) AS oldest FROM (
    SELECT job_id FROM later.ready AS r WHERE r.suspect = l.suspect AND r.queue = l.queue ORDER BY r.priority, r.position LIMIT $3) AS line) AS c;

-- name: oldest_head
-- The first job by id of those that stand first in each priority of a line.
WITH RECURSIVE head AS (
  (SELECT priority, job_id FROM later.ready WHERE suspect = $1 AND queue = $2 ORDER BY priority, position LIMIT 1)
  UNION ALL
  SELECT n.priority, n.job_id FROM head AS h CROSS JOIN LATERAL (
    SELECT r.priority, r.job_id FROM later.ready AS r
    WHERE r.suspect = $1 AND r.queue = $2 AND r.priority > h.priority ORDER BY r.priority, r.position LIMIT 1) AS n
)
SELECT min(job_id) FROM head;

-- name: claimed_per_queue
SELECT queue, count(*) FROM (SELECT queue FROM later.claimed LIMIT $1) AS c GROUP BY queue;

-- name: waiting_per_queue
-- Those that are due next: no index has the queues of the others.
SELECT queue, kind = 3, count(*) FROM (
  SELECT queue, kind FROM later.waiting WHERE run_at > '-infinity' ORDER BY run_at, job_id LIMIT $1) AS w GROUP BY queue, kind = 3;

-- name: queued_at
SELECT id, queued_at FROM later.job WHERE id = ANY ($1::bigint[]);

-- name: arrivals
-- When the newest jobs were enqueued, by queue and second. $1: now; $2: how many
-- microseconds ago is too long; $3: how many. Whatever somebody has written is before, after
-- or within that time.
SELECT queue, max(age), count(*), min(id) FROM (
  SELECT id, queue, CASE WHEN queued_at > $1 THEN -1000000 WHEN queued_at <= $1 - $2::bigint * interval '1 microsecond' THEN $2
    ELSE (extract(epoch FROM $1 - queued_at) * 1000000)::bigint END AS age
  FROM later.job WHERE id > 0 ORDER BY id DESC LIMIT $3) AS j
GROUP BY queue, age / 1000000;

-- name: paused
SELECT name, paused_at, reason, person FROM later.queue;

-- name: epoch
-- Whether the server is a standby; the history of the database: which it is, and how
-- often another server has gone on from a copy of it; and what the store knows of that.
SELECT pg_is_in_recovery(),
  CASE WHEN NOT pg_is_in_recovery() THEN (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
  (SELECT value FROM later.meta WHERE name = 'epoch');

-- name: store_id
SELECT value FROM later.meta WHERE name = 'store_id';

-- name: rollups
SELECT span_s, at, queue, type, completed, retried, postponed, failed, cancelled, wait, run
FROM later.rollup WHERE span_s = $1 AND at >= $2 AND at < $3 AND ($4 = '' OR queue = $4) AND ($5 = '' OR type = $5) ORDER BY at, id;

-- name: rollup_sums
-- A row for each time: what reading costs does not grow with the number of types. Histograms
-- one after the other are their sum. The bounds: a number that somebody has spoiled must not
-- overflow.
SELECT span_s, at, $4::text, $5::text, least(sum(completed), 1::bigint << 62)::bigint, least(sum(retried), 1::bigint << 62)::bigint,
  least(sum(postponed), 1::bigint << 62)::bigint, least(sum(failed), 1::bigint << 62)::bigint, least(sum(cancelled), 1::bigint << 62)::bigint,
  string_agg(wait, ' '), string_agg(run, ' ')
FROM later.rollup WHERE span_s = $1 AND at >= $2 AND at < $3 AND ($4 = '' OR queue = $4) AND ($5 = '' OR type = $5) GROUP BY span_s, at ORDER BY at;
