-- The statements about causes. The rows travel as arrays, in the order of the ids: of two
-- processes that record the same causes one waits for the other.

-- name: record_causes
-- The bounds: a number that somebody has spoiled must not overflow.
INSERT INTO later.cause AS c (id, type, error_type, title, sample, first_seen, last_seen, total, muted_until)
SELECT id, type, error_type, title, sample, first_seen, last_seen, total, nullif(muted_until, '0001-01-01 00:00:00+00')
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::timestamptz[])
  AS n(id, type, error_type, title, sample, first_seen, last_seen, total, muted_until)
ON CONFLICT (id) DO UPDATE SET first_seen = least(c.first_seen, excluded.first_seen), last_seen = greatest(c.last_seen, excluded.last_seen),
  total = greatest(0, least(c.total, 1::bigint << 60)) + excluded.total,
  muted_until = greatest(c.muted_until, excluded.muted_until);

-- name: record_cause_counts
INSERT INTO later.cause_count AS c (cause, at, failures)
SELECT cause, at, failures FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) AS n(cause, at, failures)
ON CONFLICT (cause, at) DO UPDATE SET failures = greatest(0, least(c.failures, 1::bigint << 60)) + excluded.failures;

-- name: mute_cause
UPDATE later.cause SET muted_until = nullif($2::timestamptz, '0001-01-01 00:00:00+00') WHERE id = $1;

-- name: finish_causes
UPDATE later.finished AS f SET cause = n.cause FROM unnest($1::bigint[], $2::bigint[]) AS n(job_id, cause) WHERE f.job_id = ANY (ARRAY[n.job_id]);

-- name: causes
-- Jobs are counted of those causes only that are returned, as far as $6. EXISTS would
-- be made a hash of the history on an empty table.
SELECT c.id, c.type, c.error_type, c.title, c.sample, c.first_seen, c.last_seen, c.total, c.muted_until,
  (SELECT count(*) FROM (SELECT 1 FROM later.finished AS f WHERE f.cause = c.id LIMIT $6) AS few),
  (SELECT count(*) FROM (SELECT 1 FROM later.waiting AS w WHERE w.cause = c.id LIMIT $6) AS few)
FROM (
  SELECT * FROM later.cause AS c
  WHERE ($1::bigint[] IS NULL OR c.id = ANY ($1::bigint[])) AND ($2::text = '' OR c.type = $2)
    AND (NOT $3::boolean OR (SELECT f.cause FROM later.finished AS f WHERE f.cause = c.id LIMIT 1) IS NOT NULL)
    AND (NOT $4::boolean OR coalesce(c.muted_until, $5::timestamptz) <= $5) AND (NOT $8::boolean OR c.muted_until > $5)
  ORDER BY c.last_seen DESC, c.id LIMIT $7) AS c
ORDER BY c.last_seen DESC, c.id;

-- name: cause_counts
SELECT cause, at, failures FROM later.cause_count WHERE cause = ANY ($1::bigint[]) AND at >= $2 ORDER BY cause, at;

-- name: forget_causes
-- A thousand at a time. Another process may be at it, or may be recording: those are
-- left to it. EXISTS would be made a join, with one plan or another.
DELETE FROM later.cause WHERE id = ANY (ARRAY (
  SELECT c.id FROM later.cause AS c
  WHERE c.last_seen <= $1 AND coalesce(c.muted_until, $2::timestamptz) <= $2
    AND (SELECT f.cause FROM later.finished AS f WHERE f.cause = c.id LIMIT 1) IS NULL
    AND (SELECT w.cause FROM later.waiting AS w WHERE w.cause = c.id LIMIT 1) IS NULL
  ORDER BY c.last_seen LIMIT 1000 FOR UPDATE SKIP LOCKED));

-- name: forget_cause_counts
-- Those of forgotten causes are older still: they went long before.
DELETE FROM later.cause_count WHERE cause = ANY (ARRAY (SELECT id FROM later.cause)) AND at <= $1;
