-- The statements of the audit.

-- name: add_audit
INSERT INTO later.audit (at, person, source, action, kind, target, reason, jobs, was, became)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id;

-- name: count_audit
-- By the order of the ids, so that there is one plan only.
UPDATE later.audit SET jobs = jobs + $2 WHERE ctid = ANY (ARRAY (
  SELECT place FROM (SELECT ctid AS place, id FROM later.audit WHERE id <= $1 ORDER BY id DESC LIMIT 1) AS last WHERE id = $1));

-- name: add_audit_jobs
INSERT INTO later.audit_job (job_id, audit_id) SELECT id, $2 FROM unnest($1::bigint[]) AS j(id) ON CONFLICT (job_id, audit_id) DO NOTHING;

-- name: old_audit
-- The last of the oldest rows, as far as they are too old. Ids and times rise together.
SELECT coalesce(max(id), 0) FROM (SELECT id, at FROM later.audit ORDER BY id LIMIT $2) AS a WHERE at < $1;

-- name: forget_audit_jobs
DELETE FROM later.audit_job WHERE ctid = ANY (ARRAY (
  SELECT ctid FROM later.audit_job WHERE audit_id <= $1 ORDER BY audit_id LIMIT $2 FOR UPDATE SKIP LOCKED));

-- name: forget_audit
DELETE FROM later.audit WHERE ctid = ANY (ARRAY (
  SELECT ctid FROM later.audit WHERE id <= $1 AND at < $2 ORDER BY id LIMIT $3));
