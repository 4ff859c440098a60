-- The statements of unique keys. Scopes: 1 until the job is done, 2 while it waits, 3
-- for a period.

-- name: key_holders
-- Who holds keys, and whether that is void: the period is over, or the row is what
-- somebody or an older program has left behind.
SELECT e.key, k.job_id, (k.expires_at IS NOT NULL AND k.expires_at <= ?2) OR j.id IS NULL OR (k.scope = 1 AND f.job_id IS NOT NULL)
  OR (k.scope = 2 AND w.job_id IS NULL AND r.job_id IS NULL)
FROM jsonb_each(?1) AS e CROSS JOIN later_unique_key AS k ON k.type = e.value->>0 AND k.key = e.value->>1
LEFT JOIN later_job AS j ON j.id = k.job_id LEFT JOIN later_finished AS f ON f.job_id = k.job_id
LEFT JOIN later_waiting AS w ON w.job_id = k.job_id LEFT JOIN later_ready AS r ON r.job_id = k.job_id;

-- name: take_keys
-- Free ones: what is in their place is void.
INSERT INTO later_unique_key (type, key, job_id, scope, expires_at)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM jsonb_each(?1) WHERE true
ON CONFLICT (type, key) DO UPDATE SET job_id = excluded.job_id, scope = excluded.scope, expires_at = excluded.expires_at;

-- name: import_keys
INSERT INTO later_unique_key (type, key, job_id, scope, expires_at)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM jsonb_each(?1) WHERE true
ON CONFLICT (type, key) DO NOTHING;

-- name: free_keys
-- Of jobs that end.
DELETE FROM later_unique_key WHERE job_id IN (SELECT value FROM json_each(?1)) AND scope <> 3;

-- name: free_waiting_keys
-- Of jobs that are claimed.
DELETE FROM later_unique_key WHERE job_id IN (SELECT value FROM json_each(?1)) AND scope = 2;

-- name: delete_keys
DELETE FROM later_unique_key WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: drop_keys_without_job
DELETE FROM later_unique_key WHERE job_id IN (SELECT value FROM json_each(?1)) AND job_id NOT IN (SELECT id FROM later_job);

-- name: periods_over
SELECT EXISTS (SELECT 1 FROM later_unique_key WHERE expires_at <= ?1);

-- name: forget_periods
-- At most ?2.
DELETE FROM later_unique_key WHERE (type, key) IN (SELECT type, key FROM later_unique_key WHERE expires_at <= ?1 LIMIT ?2);

-- name: keys_of_jobs
SELECT DISTINCT job_id FROM later_unique_key WHERE job_id IN (SELECT value FROM json_each(?1));

-- name: options_of_jobs
SELECT j.id, j.type, j.options FROM json_each(?1) AS e CROSS JOIN later_job AS j ON j.id = e.value
WHERE j.options IS NOT NULL;

-- name: replace_job
UPDATE later_job SET args = ?2, metadata = ?3, priority = ?4, scheduled_at = ?5, options = ?6 WHERE id = ?1;

-- name: change_priority
UPDATE later_ready SET priority = ?2 WHERE job_id = ?1;
