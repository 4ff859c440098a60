-- The statements of the writer. Ids and rows of a batch travel as one JSON text:
-- one statement for any number of jobs.

-- name: next_numbers
-- Numbers are ids and places in line. The highest that was given is in later_sequence or
-- the id of the newest job, whichever is higher: whoever stores one job does not write a
-- page for its number. An id beyond the bound is of somebody's own making: nothing could
-- be counted on from there.
UPDATE later_sequence SET value = max(value, coalesce((SELECT max(id) FROM later_job WHERE id < 1 << 60), 0)) + ?1 RETURNING value;

-- name: insert_jobs
INSERT INTO later_job (id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9, value->>10, value->>11, value->>12, value->>13
FROM jsonb_each(?1);

-- name: draw_numbers
UPDATE later_sequence SET value = max(value, coalesce((SELECT max(id) FROM later_job WHERE id < 1 << 60), 0)) + ?1;

-- name: insert_new_jobs
-- Under the numbers that have just been drawn.
INSERT INTO later_job (id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
SELECT (SELECT value FROM later_sequence) - ?2 + 1 + key,
  value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9, value->>10, value->>11, value->>12
FROM jsonb_each(?1);

-- name: insert_job
-- Under the next number.
INSERT INTO later_job (id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
VALUES ((SELECT max(value, coalesce((SELECT max(id) FROM later_job WHERE id < 1 << 60), 0)) FROM later_sequence) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- name: line_up_job
INSERT INTO later_ready (job_id, queue, type, priority, position, attempt, crashes) VALUES (?1, ?2, ?3, ?4, ?1, 0, 0);

-- name: line_up_new
-- Straight from later_job by its ids: cheaper than reading the JSON twice.
INSERT INTO later_ready (job_id, queue, type, priority, position, attempt, crashes)
SELECT id, queue, type, priority, id, 0, 0 FROM later_job
WHERE id BETWEEN ?1 AND ?2 AND (scheduled_at IS NULL OR scheduled_at <= queued_at);

-- name: wait_new
INSERT INTO later_waiting (job_id, run_at, kind, queue, type, priority, attempt, crashes)
SELECT id, scheduled_at, 1, queue, type, priority, 0, 0 FROM later_job
WHERE id BETWEEN ?1 AND ?2 AND scheduled_at > queued_at;

-- name: ready_queues
-- The queues in which something is ready, by one seek in the index each.
WITH RECURSIVE line (queue) AS (
  SELECT min(queue) FROM later_ready INDEXED BY later_ready_line WHERE crashes < 2
  UNION ALL
  SELECT (SELECT min(queue) FROM later_ready INDEXED BY later_ready_line WHERE crashes < 2 AND queue > l.queue) FROM line AS l WHERE l.queue IS NOT NULL
)
SELECT queue FROM line WHERE queue IS NOT NULL;

-- name: queues_of_suspects
WITH RECURSIVE line (queue) AS (
  SELECT min(queue) FROM later_ready INDEXED BY later_ready_suspects WHERE crashes >= 2
  UNION ALL
  SELECT (SELECT min(queue) FROM later_ready INDEXED BY later_ready_suspects WHERE crashes >= 2 AND queue > l.queue) FROM line AS l WHERE l.queue IS NOT NULL
)
SELECT queue FROM line WHERE queue IS NOT NULL;

-- name: heads
-- The first job of each line that has one of the types. The unary plus, here and below,
-- keeps the planner from anything but the walk in claim order.
SELECT q.value, r.job_id, r.priority, r.position
FROM json_each(?1) AS q CROSS JOIN later_ready AS r ON r.job_id = (
  SELECT f.job_id FROM later_ready AS f INDEXED BY later_ready_line
  WHERE f.crashes < 2 AND f.queue = q.value AND +f.type IN (SELECT value FROM json_each(?2))
  ORDER BY f.priority DESC, f.position LIMIT 1)
WHERE q.value NOT IN (SELECT name FROM later_queue);

-- name: heads_of_suspects
SELECT q.value, r.job_id, r.priority, r.position
FROM json_each(?1) AS q CROSS JOIN later_ready AS r ON r.job_id = (
  SELECT f.job_id FROM later_ready AS f INDEXED BY later_ready_suspects
  WHERE f.crashes >= 2 AND f.queue = q.value AND +f.type IN (SELECT value FROM json_each(?2))
  ORDER BY f.priority DESC, f.position LIMIT 1)
WHERE q.value NOT IN (SELECT name FROM later_queue);

-- name: front_of_line
SELECT job_id, priority, position FROM later_ready INDEXED BY later_ready_line
WHERE crashes < 2 AND queue = ?1 AND +type IN (SELECT value FROM json_each(?2))
ORDER BY priority DESC, position LIMIT ?3;

-- name: front_of_suspects
SELECT job_id, priority, position FROM later_ready INDEXED BY later_ready_suspects
WHERE crashes >= 2 AND queue = ?1 AND +type IN (SELECT value FROM json_each(?2))
ORDER BY priority DESC, position LIMIT ?3;

-- name: claim
-- A job is in one place only. Where hostile SQL has put it into two, a conflict must
-- not stop the other jobs of the batch, here and below: it leaves one of them.
INSERT INTO later_claimed (job_id, token, process_id, claimed_at, queue, type, priority, position, attempt, crashes)
SELECT r.job_id, ?2, ?3, ?4, r.queue, r.type, r.priority, r.position, r.attempt, r.crashes
FROM json_each(?1) AS e JOIN later_ready AS r ON r.job_id = e.value WHERE true
ON CONFLICT (job_id) DO NOTHING;

-- name: drop_claims_without_job
DELETE FROM later_claimed WHERE job_id IN (SELECT value FROM json_each(?1)) AND job_id NOT IN (SELECT id FROM later_job);

-- name: leave_line
DELETE FROM later_ready WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: claims_of_jobs
SELECT c.job_id, c.token, c.process_id, c.claimed_at, c.queue, c.type, c.priority, c.position, c.attempt, c.crashes, r.reason
FROM json_each(?1) AS e CROSS JOIN later_claimed AS c ON c.job_id = e.value
LEFT JOIN later_cancel_request AS r ON r.job_id = c.job_id;

-- name: claims_of_process
SELECT c.job_id, c.token, c.process_id, c.claimed_at, c.queue, c.type, c.priority, c.position, c.attempt, c.crashes, r.reason
FROM later_claimed AS c LEFT JOIN later_cancel_request AS r ON r.job_id = c.job_id
WHERE c.process_id = ?1 ORDER BY c.job_id;

-- name: end_claims
DELETE FROM later_claimed WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: forget_cancel_requests
DELETE FROM later_cancel_request WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: finish
-- The later end stands.
INSERT INTO later_finished (job_id, status, attempt, crashes, process_id, token, started_at, finished_at, result, error)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9
FROM jsonb_each(?1) WHERE true
ON CONFLICT (job_id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt, crashes = excluded.crashes,
  process_id = excluded.process_id, token = excluded.token, started_at = excluded.started_at, finished_at = excluded.finished_at,
  result = excluded.result, error = excluded.error;

-- name: complete
-- As finish, straight from the claims, unless somebody has asked for a stop.
INSERT INTO later_finished (job_id, status, attempt, crashes, process_id, token, started_at, finished_at, result)
SELECT c.job_id, 1, min(c.attempt, 1 << 60) + 1, c.crashes, nullif(c.process_id, 0), nullif(c.token, 0), coalesce(e.value->>2, c.claimed_at), e.value->>3, e.value->>4
FROM jsonb_each(?1) AS e CROSS JOIN later_claimed AS c ON c.job_id = e.value->>0 AND c.token = e.value->>1
WHERE NOT EXISTS (SELECT 1 FROM later_cancel_request AS r WHERE r.job_id = c.job_id)
ON CONFLICT (job_id) DO UPDATE SET status = excluded.status, attempt = excluded.attempt, crashes = excluded.crashes,
  process_id = excluded.process_id, token = excluded.token, started_at = excluded.started_at, finished_at = excluded.finished_at,
  result = excluded.result, error = excluded.error;

-- name: claims_to_complete
-- The places of those that complete has moved.
SELECT e.key FROM jsonb_each(?1) AS e CROSS JOIN later_claimed AS c ON c.job_id = e.value->>0 AND c.token = e.value->>1
WHERE NOT EXISTS (SELECT 1 FROM later_cancel_request AS r WHERE r.job_id = c.job_id);

-- name: count_finished
-- The bounds: a count that somebody has spoiled must not overflow.
UPDATE later_count SET jobs = max(-1 << 60, min(jobs, 1 << 60)) + ?2 WHERE status = ?1;

-- name: wait
INSERT INTO later_waiting (job_id, run_at, kind, reason, queue, type, priority, attempt, crashes, cause)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9
FROM jsonb_each(?1) WHERE true ON CONFLICT (job_id) DO NOTHING;

-- name: line_up
INSERT INTO later_ready (job_id, queue, type, priority, position, attempt, crashes)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM jsonb_each(?1)
WHERE true ON CONFLICT (job_id) DO NOTHING;

-- name: record_attempts
INSERT INTO later_attempt (job_id, token, number, outcome, process_id, started_at, finished_at, error, stack, rule_retries, cause)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9, value->>10
FROM jsonb_each(?1);

-- name: tokens_of_jobs
-- Under which tokens jobs have moved: for outcomes that are repeated.
SELECT f.job_id, f.token FROM json_each(?1) AS e CROSS JOIN later_finished AS f ON f.job_id = e.value WHERE f.token IS NOT NULL
UNION ALL
SELECT a.job_id, a.token FROM json_each(?1) AS e CROSS JOIN later_attempt AS a ON a.job_id = e.value WHERE a.outcome <> 'crashed' AND a.token <> 0;

-- name: report_progress
INSERT INTO later_progress (job_id, done, total, message, at)
SELECT c.job_id, value->>2, value->>3, value->>4, value->>5
FROM jsonb_each(?1) AS e JOIN later_claimed AS c ON c.job_id = e.value->>0 AND c.token = e.value->>1 WHERE true
ON CONFLICT (job_id) DO UPDATE SET done = excluded.done, total = excluded.total, message = excluded.message, at = excluded.at;

-- name: report_lines
INSERT INTO later_log (job_id, attempt, at, level, message, attrs)
SELECT c.job_id, value->>2, value->>3, value->>4, value->>5, value->>6
FROM jsonb_each(?1) AS e JOIN later_claimed AS c ON c.job_id = e.value->>0 AND c.token = e.value->>1
ORDER BY e.key;

-- name: cut_logs
-- The newest lines of each job stay, as many as ?2 bytes hold.
DELETE FROM later_log WHERE id IN (
  SELECT id FROM (
    SELECT l.id, sum(octet_length(l.message) + coalesce(octet_length(l.attrs), 0)) OVER (PARTITION BY l.job_id ORDER BY l.id DESC) AS size
    FROM jsonb_each(?1) AS e JOIN later_claimed AS c ON c.job_id = e.value->>0 AND c.token = e.value->>1
    CROSS JOIN later_log AS l ON l.job_id = c.job_id)
  WHERE size > ?2);

-- name: report_details
UPDATE later_job SET metadata = coalesce(n.metadata, later_job.metadata), tags = coalesce(n.tags, later_job.tags)
FROM (
  SELECT c.job_id, value->>2 AS metadata, value->>3 AS tags
  FROM jsonb_each(?1) AS e JOIN later_claimed AS c ON c.job_id = e.value->>0 AND c.token = e.value->>1) AS n
WHERE later_job.id = n.job_id;

-- name: has_lease
SELECT 1 FROM later_claimed WHERE job_id = ?1 AND token = ?2;

-- name: save_steps
INSERT INTO later_step (job_id, name, kind, result, at, attempt)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM jsonb_each(?1) AS e WHERE true ORDER BY e.key
ON CONFLICT (job_id, name) DO UPDATE SET kind = excluded.kind, result = excluded.result, at = excluded.at, attempt = excluded.attempt;

-- name: join
INSERT INTO later_process (id, beat, beat_at, state, host, pid, version, started_at, queues, slots, performs)
VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: publish_type
INSERT INTO later_job_type (name, description, queue, priority, max_retries, timeout_us, schema, seen_at, start_within_us, finish_within_us, uniqueness)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (name) DO UPDATE SET description = excluded.description, queue = excluded.queue, priority = excluded.priority,
  max_retries = excluded.max_retries, timeout_us = excluded.timeout_us, schema = excluded.schema, seen_at = excluded.seen_at,
  start_within_us = excluded.start_within_us, finish_within_us = excluded.finish_within_us,
  uniqueness = excluded.uniqueness;

-- name: beat
UPDATE later_process SET beat = beat + 1, beat_at = ?2, state = ?3 WHERE id = ?1;

-- name: requests_of_process
SELECT id, process_id, kind, job_id, by, asked_at, answered_at, answer FROM later_request
WHERE process_id = ?1 AND answered_at IS NULL AND asked_at > ?2 ORDER BY asked_at, id LIMIT ?3;

-- name: ask
INSERT INTO later_request (id, process_id, kind, job_id, by, asked_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM later_process WHERE id = ?2;

-- name: forget_requests
DELETE FROM later_request WHERE asked_at <= ?1;

-- name: answer
UPDATE later_request SET answer = ?2, answered_at = ?3 WHERE id = ?1 AND answered_at IS NULL;

-- name: leave
DELETE FROM later_process WHERE id = ?1;

-- name: declare_dead
DELETE FROM later_process WHERE id = ?1 AND beat = ?2;

-- name: strangers
-- Processes that have claims and are not known (any more).
SELECT DISTINCT process_id FROM later_claimed WHERE process_id NOT IN (SELECT id FROM later_process);

-- name: due
SELECT job_id, queue, type, priority, attempt, crashes FROM later_waiting INDEXED BY later_waiting_due
WHERE run_at <= ?1 ORDER BY run_at, job_id LIMIT ?2;

-- name: next_due
SELECT min(run_at) FROM later_waiting INDEXED BY later_waiting_due;

-- name: stop_waiting
DELETE FROM later_waiting WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: old_finished
SELECT f.job_id, f.status, f.finished_at, j.queued_at, EXISTS (SELECT 1 FROM later_unique_key AS k WHERE k.job_id = f.job_id AND k.expires_at > ?3)
FROM later_finished AS f JOIN later_job AS j ON j.id = f.job_id
WHERE f.job_id > ?1 ORDER BY f.job_id LIMIT ?2;

-- name: delete_finished
DELETE FROM later_finished WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: delete_jobs
DELETE FROM later_job WHERE id IN (SELECT value FROM json_each(?1));

-- name: delete_attempts
DELETE FROM later_attempt WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: delete_logs
DELETE FROM later_log WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: delete_progress
DELETE FROM later_progress WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: delete_steps
DELETE FROM later_step WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: request_cancel
-- The first reason stands.
INSERT INTO later_cancel_request (job_id, reason, requested_at)
SELECT value, ?2, ?3 FROM json_each(?1) WHERE true ON CONFLICT (job_id) DO NOTHING;

-- name: places
-- Where jobs stand, with what is needed to move them.
SELECT j.id, coalesce(f.status, 0), coalesce(w.kind, 0), r.job_id IS NOT NULL, c.job_id IS NOT NULL,
  j.queue, j.type, j.priority, coalesce(f.attempt, w.attempt, r.attempt, c.attempt), coalesce(f.crashes, w.crashes, r.crashes, c.crashes), coalesce(w.cause, 0)
FROM json_each(?1) AS e CROSS JOIN later_job AS j ON j.id = e.value
LEFT JOIN later_finished AS f ON f.job_id = j.id LEFT JOIN later_waiting AS w ON w.job_id = j.id
LEFT JOIN later_ready AS r ON r.job_id = j.id LEFT JOIN later_claimed AS c ON c.job_id = j.id
ORDER BY j.id;

-- name: last_attempts
-- Who ran jobs last and when, for those that finish without running again.
SELECT a.job_id, a.process_id, a.started_at FROM json_each(?1) AS e CROSS JOIN later_attempt AS a
  ON a.id = (SELECT max(b.id) FROM later_attempt AS b WHERE b.job_id = e.value);

-- name: pause
INSERT INTO later_queue (name, paused_at, reason, person) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at, reason = excluded.reason, person = excluded.person;

-- name: resume
DELETE FROM later_queue WHERE name = ?1;

-- name: add_rollups
INSERT INTO later_rollup (span_s, at, queue, type, completed, retried, postponed, failed, cancelled, wait, run)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, value->>9, value->>10
FROM jsonb_each(?1);

-- name: take_rollups
-- Spans of a length that begin before a time, oldest first: those of the same time go
-- together only if the limit does not part them, which costs a row.
DELETE FROM later_rollup WHERE id IN (SELECT id FROM later_rollup WHERE span_s = ?1 AND at < ?2 ORDER BY at LIMIT ?3)
RETURNING span_s, at, queue, type, completed, retried, postponed, failed, cancelled, wait, run;
