-- The statements of the readers.

-- name: jobs
-- Whole jobs by id. Every join is a search by primary key.
SELECT j.id, j.type, j.queue, j.priority, j.args, j.metadata, j.user_id, j.target_id, j.tags,
  j.max_retries, j.timeout_us, j.queued_at, j.scheduled_at, j.options,
  f.status, f.attempt, f.crashes, f.process_id, f.started_at, f.finished_at, f.result, f.error, coalesce(f.cause, w.cause, 0),
  w.run_at, w.kind, w.reason, w.attempt, w.crashes,
  r.attempt, r.crashes,
  c.token, c.process_id, c.claimed_at, c.attempt, c.crashes,
  x.job_id IS NOT NULL,
  p.done, p.total, p.message, p.at,
  CASE WHEN f.job_id IS NULL THEN (SELECT a.error FROM later_attempt AS a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1) END,
  CASE WHEN f.job_id IS NULL AND c.job_id IS NULL THEN (SELECT a.process_id FROM later_attempt AS a WHERE a.job_id = j.id ORDER BY a.id DESC LIMIT 1) END,
  CASE WHEN f.job_id IS NULL AND c.job_id IS NULL THEN (SELECT a.started_at FROM later_attempt AS a WHERE a.job_id = j.id ORDER BY a.id DESC LIMIT 1) END
FROM json_each(?1) AS e CROSS JOIN later_job AS j ON j.id = e.value
LEFT JOIN later_finished AS f ON f.job_id = j.id
LEFT JOIN later_waiting AS w ON w.job_id = j.id
LEFT JOIN later_ready AS r ON r.job_id = j.id
LEFT JOIN later_claimed AS c ON c.job_id = j.id
LEFT JOIN later_cancel_request AS x ON x.job_id = j.id
LEFT JOIN later_progress AS p ON p.job_id = j.id
ORDER BY e.key;

-- name: claimed_jobs
-- What a claim hands over. What most jobs do not have comes as one JSON object, if there
-- is any: each column costs as much as to find the row. Most jobs have not been
-- attempted: the error of the last attempt is looked up only for those that have, or that
-- have stood in line before (a person may have let them start over); what jobs have
-- reported, only if any has. They come in the order of the ids without being sorted:
-- inOrder sees to it if they once do not.
SELECT j.id, j.type, j.queue, j.priority, j.args, j.user_id, j.target_id, j.max_retries, j.timeout_us, j.queued_at, c.attempt, c.crashes,
  CASE WHEN c.attempt > 0 OR c.position <> c.job_id OR coalesce(j.metadata, j.tags, j.scheduled_at, j.options, p.job_id) IS NOT NULL THEN json_object(
    'metadata', j.metadata, 'taglist', j.tags, 'scheduled', j.scheduled_at, 'options', j.options,
    'error', (SELECT a.error FROM later_attempt AS a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1),
    'retries', CASE WHEN c.attempt > 0 THEN (SELECT a.rule_retries FROM later_attempt AS a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) END,
    'done', p.done, 'total', p.total, 'message', p.message, 'at', p.at) END
FROM json_each(?1) AS e CROSS JOIN later_claimed AS c ON c.job_id = e.value AND c.token = ?2 CROSS JOIN later_job AS j ON j.id = c.job_id
LEFT JOIN later_progress AS p ON p.job_id = j.id AND (SELECT EXISTS (SELECT 1 FROM later_progress));

-- name: attempts
SELECT job_id, number, outcome, process_id, started_at, finished_at, error, stack, rule_retries, coalesce(cause, 0) FROM later_attempt WHERE job_id = ?1 ORDER BY id;

-- name: log
SELECT job_id, attempt, at, level, message, attrs FROM later_log WHERE job_id = ?1 ORDER BY id;

-- name: steps
SELECT job_id, name, kind, result, at, attempt FROM later_step WHERE job_id = ?1 ORDER BY at, name;

-- name: job_types
SELECT name, description, queue, priority, max_retries, timeout_us, schema, seen_at, start_within_us, finish_within_us, uniqueness FROM later_job_type ORDER BY name;

-- name: processes
SELECT id, beat, beat_at, state, host, pid, version, started_at, queues, slots, performs FROM later_process ORDER BY started_at, id;

-- name: request
SELECT id, process_id, kind, job_id, by, asked_at, answered_at, answer FROM later_request WHERE id = ?1;

-- name: counts
SELECT status, jobs FROM later_count;

-- name: count_ready
-- The pending jobs of a queue along its line, and the first of them by id. ?2: how far.
SELECT count(*), min(job_id) FROM (
  SELECT job_id FROM later_ready INDEXED BY later_ready_line WHERE crashes < 2 AND queue = ?1 ORDER BY priority DESC, position LIMIT ?2);

-- name: count_suspects
SELECT count(*), min(job_id) FROM (
  SELECT job_id FROM later_ready INDEXED BY later_ready_suspects WHERE crashes >= 2 AND queue = ?1 ORDER BY priority DESC, position LIMIT ?2);

-- name: next_head
-- One step through the priorities of a line, from the first to the last.
SELECT job_id, priority FROM later_ready INDEXED BY later_ready_line
WHERE crashes < 2 AND queue = ?1 AND priority < ?2 ORDER BY priority DESC, position LIMIT 1;

-- name: next_head_of_suspects
SELECT job_id, priority FROM later_ready INDEXED BY later_ready_suspects
WHERE crashes >= 2 AND queue = ?1 AND priority < ?2 ORDER BY priority DESC, position LIMIT 1;

-- name: claimed_per_queue
SELECT queue, count(*) FROM (SELECT queue FROM later_claimed LIMIT ?1) GROUP BY queue;

-- name: waiting_per_queue
-- Those that are due next: no index has the queues of the others.
SELECT queue, kind = 3, count(*) FROM (
  SELECT queue, kind FROM later_waiting INDEXED BY later_waiting_due ORDER BY run_at, job_id LIMIT ?1) GROUP BY queue, kind = 3;

-- name: queued_at
SELECT queued_at FROM later_job WHERE id = ?1;

-- name: arrivals
-- When the newest jobs were enqueued, by queue and second. ?1: now; ?2: how long ago is too
-- long; ?3: how many. Whatever somebody has written is before, after or within that time.
SELECT queue, max(age), count(*), min(id) FROM (
  SELECT id, queue, CASE WHEN queued_at > ?1 THEN -1000000 WHEN queued_at <= ?1 - ?2 THEN ?2 ELSE ?1 - queued_at END AS age
  FROM later_job ORDER BY id DESC LIMIT ?3) GROUP BY queue, age / 1000000;

-- name: paused
SELECT name, paused_at, reason, person FROM later_queue;

-- name: data_version
PRAGMA data_version;

-- name: cancels_open
-- ?1: requests to a process that are older have expired.
SELECT EXISTS (SELECT 1 FROM later_cancel_request)
  OR EXISTS (SELECT 1 FROM later_request WHERE answered_at IS NULL AND asked_at > ?1);

-- name: store_id
SELECT value FROM later_meta WHERE name = 'store_id';

-- name: rollups
SELECT span_s, at, queue, type, completed, retried, postponed, failed, cancelled, wait, run
FROM later_rollup WHERE span_s = ?1 AND at >= ?2 AND at < ?3 AND (?4 = '' OR queue = ?4) AND (?5 = '' OR type = ?5) ORDER BY at, id;

-- name: rollup_sums
-- A row for each time: what reading costs does not grow with the number of types. Histograms
-- one after the other are their sum. total() does not overflow, whatever somebody has written.
SELECT span_s, at, ?4, ?5, CAST(total(completed) AS INTEGER), CAST(total(retried) AS INTEGER), CAST(total(postponed) AS INTEGER),
  CAST(total(failed) AS INTEGER), CAST(total(cancelled) AS INTEGER), group_concat(wait, ' '), group_concat(run, ' ')
FROM later_rollup WHERE span_s = ?1 AND at >= ?2 AND at < ?3 AND (?4 = '' OR queue = ?4) AND (?5 = '' OR type = ?5) GROUP BY at ORDER BY at;
