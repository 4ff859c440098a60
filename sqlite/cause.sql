-- The statements about causes.

-- name: record_causes
-- The bounds: a number that somebody has spoiled must not overflow.
INSERT INTO later_cause (id, type, error_type, title, sample, first_seen, last_seen, total, muted_until)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8
FROM jsonb_each(?1) WHERE true
ON CONFLICT (id) DO UPDATE SET first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen),
  total = max(0, min(total, 1 << 60)) + excluded.total,
  muted_until = CASE WHEN excluded.muted_until IS NULL OR muted_until > excluded.muted_until THEN muted_until ELSE excluded.muted_until END;

-- name: record_cause_counts
INSERT INTO later_cause_count (cause, at, failures)
SELECT value->>0, value->>1, value->>2 FROM jsonb_each(?1) WHERE true
ON CONFLICT (cause, at) DO UPDATE SET failures = max(0, min(failures, 1 << 60)) + excluded.failures;

-- name: mute_cause
UPDATE later_cause SET muted_until = ?2 WHERE id = ?1;

-- name: finish_causes
-- Apart from finish: jobs that complete pay nothing for it.
UPDATE later_finished SET cause = e.value->>1 FROM jsonb_each(?1) AS e WHERE later_finished.job_id = e.value->>0;

-- name: causes
-- Jobs are counted of those causes only that are returned, as far as ?6.
SELECT c.id, c.type, c.error_type, c.title, c.sample, c.first_seen, c.last_seen, c.total, c.muted_until,
  (SELECT count(*) FROM (SELECT 1 FROM later_finished INDEXED BY later_finished_cause WHERE cause = c.id LIMIT ?6)),
  (SELECT count(*) FROM (SELECT 1 FROM later_waiting INDEXED BY later_waiting_cause WHERE cause = c.id LIMIT ?6))
FROM (
  SELECT * FROM later_cause AS c
  WHERE (?1 IS NULL OR id IN (SELECT value FROM json_each(?1))) AND (?2 = '' OR type = ?2)
    AND (NOT ?3 OR EXISTS (SELECT 1 FROM later_finished WHERE cause = c.id))
    AND (NOT ?4 OR coalesce(muted_until, ?5) <= ?5) AND (NOT ?8 OR muted_until > ?5)
  ORDER BY last_seen DESC, id LIMIT ?7) AS c
ORDER BY c.last_seen DESC, c.id;

-- name: cause_counts
SELECT c.cause, c.at, c.failures FROM json_each(?1) AS e CROSS JOIN later_cause_count AS c ON c.cause = e.value AND c.at >= ?2
ORDER BY c.cause, c.at;

-- name: forget_causes
DELETE FROM later_cause WHERE last_seen <= ?1 AND coalesce(muted_until, ?2) <= ?2
  AND NOT EXISTS (SELECT 1 FROM later_finished WHERE cause = later_cause.id)
  AND NOT EXISTS (SELECT 1 FROM later_waiting WHERE cause = later_cause.id);

-- name: forget_cause_counts
-- Those of forgotten causes are older still: they went long before.
DELETE FROM later_cause_count WHERE (cause, at) IN (
  SELECT c.id, n.at FROM later_cause AS c CROSS JOIN later_cause_count AS n ON n.cause = c.id AND n.at <= ?1);

-- name: causes_to_forget
-- Whether there is anything to forget.
SELECT EXISTS (SELECT 1 FROM later_cause WHERE last_seen <= ?1) 
  OR EXISTS (SELECT 1 FROM later_cause AS c CROSS JOIN later_cause_count AS n ON n.cause = c.id AND n.at <= ?2);
