-- The statements that store whole jobs of another store. Most are those of the
-- writer: a job is imported into its place as it would have moved there.

-- name: raise_numbers
UPDATE later_sequence SET value = max(value, ?1);

-- name: known_jobs
SELECT j.id FROM json_each(?1) AS e CROSS JOIN later_job AS j ON j.id = e.value;

-- name: import_progress
INSERT INTO later_progress (job_id, done, total, message, at)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM jsonb_each(?1);

-- name: import_logs
INSERT INTO later_log (job_id, attempt, at, level, message, attrs)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM jsonb_each(?1) AS e ORDER BY e.key;
