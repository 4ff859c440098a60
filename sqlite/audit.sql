-- The statements of the audit.

-- name: add_audit
INSERT INTO later_audit (at, person, source, action, kind, target, reason, jobs, was, became)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id;

-- name: count_audit
UPDATE later_audit SET jobs = jobs + ?2 WHERE id = ?1;

-- name: add_audit_jobs
INSERT INTO later_audit_job (job_id, audit_id) SELECT value, ?2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING;

-- name: old_audit
-- The last of the oldest entries, as far as they are too old. Ids and times rise together.
SELECT coalesce(max(id), 0) FROM (SELECT id, at FROM later_audit ORDER BY id LIMIT ?2) WHERE at < ?1;

-- name: forget_audit_jobs
DELETE FROM later_audit_job WHERE (job_id, audit_id) IN (SELECT job_id, audit_id FROM later_audit_job WHERE audit_id <= ?1 ORDER BY audit_id LIMIT ?2);

-- name: forget_audit
DELETE FROM later_audit WHERE id <= ?1 AND at < ?2;
