-- The statements of unique keys. Scopes: 1 until the job is done, 2 while it waits, 3
-- for a period.

-- name: take_keys
-- Keys that are free, for jobs with ids ($1), or with none: then numbers are drawn in
-- the order of the call. A job without a key has an empty one. Where another
-- transaction has taken a key and not ended, this waits: in the order of the keys,
-- so that two batches do not wait for each other. A key that is held is not touched:
-- a lock on its row would hold up the end of its job. The keys taken come as place 0.
WITH asked AS MATERIALIZED (
  SELECT coalesce(id, nextval('later.number')) AS id, type, key, scope, expires_at, place
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[]) WITH ORDINALITY
    AS n(id, type, key, scope, expires_at, place)
), taken AS (
  INSERT INTO later.unique_key (type, key, job_id, scope, expires_at)
  SELECT type, key, id, scope, nullif(expires_at, '0001-01-01 00:00:00+00') FROM asked
  WHERE key <> '' ORDER BY type COLLATE "C", key COLLATE "C"
  ON CONFLICT (type, key) DO NOTHING RETURNING job_id
)
SELECT place, id FROM asked UNION ALL SELECT 0, job_id FROM taken;

-- name: key_holders
-- Who holds keys, and whether that is void ($3: now): the period is over, or the row is
-- what somebody or an older program has left behind.
SELECT n.place, k.job_id, (k.expires_at IS NOT NULL AND k.expires_at <= $3)
  OR NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = ANY (ARRAY[k.job_id]))
  OR (k.scope = 1 AND EXISTS (SELECT 1 FROM later.finished AS f WHERE f.job_id = ANY (ARRAY[k.job_id])))
  OR (k.scope = 2 AND NOT EXISTS (SELECT 1 FROM later.ready AS r WHERE r.job_id = ANY (ARRAY[k.job_id]))
    AND NOT EXISTS (SELECT 1 FROM later.waiting AS w WHERE w.job_id = ANY (ARRAY[k.job_id])))
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n(type, key, place) CROSS JOIN LATERAL (
  SELECT * FROM later.unique_key AS k WHERE k.type = n.type AND k.key = n.key LIMIT 1) AS k;

-- name: drop_keys
-- That are void. Whoever has taken one meanwhile has another id.
DELETE FROM later.unique_key WHERE ctid = ANY (ARRAY (
  SELECT k.ctid FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n(type, key, job_id) CROSS JOIN LATERAL (
    SELECT k.ctid FROM later.unique_key AS k WHERE k.type = n.type AND k.key = n.key AND k.job_id = n.job_id LIMIT 1) AS k));

-- name: give_back_keys
-- Of jobs that are not stored after all.
DELETE FROM later.unique_key WHERE job_id = ANY ($1::bigint[]) AND job_id > 0;

-- name: forget_periods
-- That are over, at most $2.
DELETE FROM later.unique_key WHERE ctid = ANY (ARRAY (
  SELECT ctid FROM later.unique_key WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED));

-- name: keys_of_jobs
SELECT DISTINCT job_id FROM later.unique_key WHERE job_id = ANY ($1::bigint[]) AND job_id > 0;

-- name: options_of_finished
-- Nothing for those that have not finished.
SELECT j.id, j.type, CASE WHEN EXISTS (SELECT 1 FROM later.finished AS f WHERE f.job_id = ANY (ARRAY[j.id])) THEN j.options END
FROM later.job AS j WHERE j.id = ANY ($1::bigint[]);

-- name: replace_now
-- A job that waits becomes what another call asks for, at once. One that is pending
-- keeps its place in line. Its row there is written in any case: a claim that is under
-- way has seen the old arguments, and must not get the job. Steps that were done for other
-- arguments are forgotten; the old ones are those before this statement.
WITH ready AS (
  UPDATE later.ready SET priority = $4 WHERE job_id = $1 RETURNING queue, priority, position
), waits AS (
  DELETE FROM later.waiting WHERE job_id = $1 RETURNING job_id, attempt, crashes, queue, type
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT job_id, nextval('later.number'), $4, attempt, crashes, queue, type FROM waits
  RETURNING queue, priority, position
), moved AS MATERIALIZED (
  SELECT * FROM ready UNION ALL SELECT * FROM lined_up
), changed AS (
  UPDATE later.job SET args = $2::text::json, metadata = nullif($3, '')::json, priority = $4, scheduled_at = nullif($5::timestamptz, '0001-01-01 00:00:00+00'),
    options = nullif($6, '')::json
  WHERE id = $1 AND EXISTS (SELECT 1 FROM moved)
), forgotten AS (
  DELETE FROM later.step WHERE job_id = $1 AND EXISTS (SELECT 1 FROM moved) AND (SELECT j.args::text FROM later.job AS j WHERE j.id = $1) <> $2::text
)
SELECT queue, priority, position FROM moved;

-- name: replace_later
-- The same for a time that has not come.
WITH waits AS (
  UPDATE later.waiting SET run_at = $5, priority = $4, kind = CASE kind WHEN 3 THEN 3 ELSE 1 END, reason = NULL
  WHERE job_id = $1 RETURNING queue
), ready AS (
  DELETE FROM later.ready WHERE job_id = $1 RETURNING job_id, attempt, crashes, queue, type
), moved AS (
  INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type)
  SELECT job_id, $5, $4, 1, attempt, crashes, queue, type FROM ready
), changed AS (
  UPDATE later.job SET args = $2::text::json, metadata = nullif($3, '')::json, priority = $4, scheduled_at = $5::timestamptz,
    options = nullif($6, '')::json
  WHERE id = $1 AND EXISTS (SELECT 1 FROM waits UNION ALL SELECT 1 FROM ready)
), forgotten AS (
  DELETE FROM later.step WHERE job_id = $1 AND EXISTS (SELECT 1 FROM waits UNION ALL SELECT 1 FROM ready)
    AND (SELECT j.args::text FROM later.job AS j WHERE j.id = $1) <> $2::text
)
SELECT queue, $4::smallint, 0::bigint FROM waits UNION ALL SELECT queue, $4, 0 FROM ready;
