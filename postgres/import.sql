-- The statements that store whole jobs of another store, one for each place. The
-- rows travel as arrays, as those of the statements that write.

-- name: numbers_reach
-- Whether no id or place up to $1 is given out any more. One that was drawn may not be
-- stored yet: so many are not drawn between the two.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END - 1000000 >= $1::bigint FROM later.number;

-- name: stop_numbers
-- Every statement that draws a number may line jobs up: while this lock is held none
-- is drawn, and the sequence cannot be set back by accident.
LOCK TABLE later.ready IN SHARE ROW EXCLUSIVE MODE;

-- name: raise_numbers
SELECT setval('later.number', $1::bigint) FROM later.number WHERE CASE WHEN is_called THEN last_value ELSE 0 END < $1::bigint;

-- name: import_jobs
-- Jobs whose id exists are left alone: the others are returned.
INSERT INTO later.job (id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
SELECT id, type, queue, priority, args::json, nullif(metadata, '')::json, nullif(user_id, ''), nullif(target_id, ''), nullif(tags, '')::text[],
  max_retries, timeout_us, queued_at, nullif(scheduled_at, '0001-01-01 00:00:00+00'), nullif(options, '')::json
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::integer[], $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::text[])
  AS n(id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
ON CONFLICT (id) DO NOTHING RETURNING id;

-- name: import_ready
INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
SELECT job_id, coalesce(nullif(position, 0), nextval('later.number')), priority, attempt, crashes, queue, type
FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::smallint[], $7::bigint[]) WITH ORDINALITY
  AS n(job_id, attempt, crashes, queue, type, priority, position, place)
ORDER BY place
RETURNING queue, priority, position;

-- name: import_waiting
INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type, reason, cause)
SELECT job_id, run_at, priority, kind, attempt, crashes, queue, type, nullif(reason, ''), nullif(cause, 0)
FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::smallint[], $7::timestamptz[], $8::smallint[], $9::text[], $10::bigint[])
  AS n(job_id, attempt, crashes, queue, type, priority, run_at, kind, reason, cause);

-- name: import_finished
WITH n AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::smallint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::text[], $10::bigint[])
    AS n(job_id, attempt, crashes, status, process_id, started_at, finished_at, result, error, cause)
), counted AS (
  INSERT INTO later.count (status, jobs) SELECT status, count(*) FROM n GROUP BY status
)
INSERT INTO later.finished (job_id, process_id, started_at, finished_at, status, attempt, crashes, result, error, cause)
SELECT job_id, nullif(process_id, 0), nullif(started_at, '0001-01-01 00:00:00+00'), finished_at, status, attempt, crashes,
  nullif(result, '')::json, nullif(error, ''), nullif(cause, 0)
FROM n;

-- name: import_progress
INSERT INTO later.progress (job_id, done, total, at, message)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[]);

-- name: import_attempts
-- Tokens do not travel: nobody can have a claim of another store.
INSERT INTO later.attempt (job_id, token, process_id, started_at, finished_at, number, outcome, error, stack, rule_retries, cause)
SELECT job_id, 0, process_id, nullif(started_at, '0001-01-01 00:00:00+00'), finished_at, number, outcome, nullif(error, ''), nullif(stack, ''), nullif(rule_retries, '')::json, nullif(cause, 0)
FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[]) WITH ORDINALITY
  AS n(job_id, process_id, started_at, finished_at, number, outcome, error, stack, rule_retries, cause, place)
ORDER BY place;

-- name: import_logs
INSERT INTO later.log (job_id, at, attempt, level, message, attrs)
SELECT job_id, at, attempt, level, message, nullif(attrs, '')::json
FROM unnest($1::bigint[], $2::timestamptz[], $3::integer[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
  AS n(job_id, at, attempt, level, message, attrs, place)
ORDER BY place;

-- name: import_steps
INSERT INTO later.step (job_id, name, kind, result, at, attempt)
SELECT job_id, name, kind, nullif(result, '')::json, at, attempt
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::integer[]) AS n(job_id, name, kind, result, at, attempt)
ON CONFLICT (job_id, name) DO NOTHING;
