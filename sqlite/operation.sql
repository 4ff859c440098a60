-- The statements of operations.

-- name: add_operation
INSERT INTO later_operation (action, filter, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone, created_at, problem, audit_id)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'running', last, last + 1, ?7, 0, 0, 0, '{}', ?8, '', ?9 FROM (SELECT coalesce(max(id), 0) AS last FROM later_job)
RETURNING id;

-- name: save_operation
UPDATE later_operation SET state = ?2, cursor = ?3, changed = ?4, untouched = ?5, restored = ?6, not_undone = ?7, finished_at = ?8, undone_at = ?9, problem = ?10
WHERE id = ?1;

-- name: operation_by_id
SELECT id, action, filter, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone, created_at, finished_at, undone_at, problem, audit_id
FROM later_operation WHERE id = ?1;

-- name: operations
SELECT id, action, filter, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone, created_at, finished_at, undone_at, problem, audit_id
FROM later_operation WHERE id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: working_operations
SELECT id, action, filter, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone, created_at, finished_at, undone_at, problem, audit_id
FROM later_operation INDEXED BY later_operation_working WHERE state IN ('running', 'undoing') AND id < ?1 ORDER BY id DESC LIMIT ?2;

-- name: sizes_of_jobs
-- About how much they hold.
SELECT j.id, octet_length(j.args) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.options), 0)
  + coalesce((SELECT octet_length(f.result) FROM later_finished AS f WHERE f.job_id = j.id), 0)
  + coalesce((SELECT sum(octet_length(l.message) + coalesce(octet_length(l.attrs), 0)) FROM later_log AS l WHERE l.job_id = j.id), 0)
  + coalesce((SELECT sum(coalesce(octet_length(a.error), 0) + coalesce(octet_length(a.stack), 0)) FROM later_attempt AS a WHERE a.job_id = j.id), 0)
  + coalesce((SELECT sum(octet_length(t.name) + coalesce(octet_length(t.result), 0)) FROM later_step AS t WHERE t.job_id = j.id), 0)
FROM json_each(?1) AS e CROSS JOIN later_job AS j ON j.id = e.value;

-- name: add_operation_step
INSERT INTO later_operation_step (operation_id, images) VALUES (?1, ?2);

-- name: add_operation_jobs
INSERT INTO later_operation_job (operation_id, job_id) SELECT ?1, value FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING;

-- name: clear_operation_jobs
-- Of a new operation there are some only if somebody has deleted an older one of its id by hand.
DELETE FROM later_operation_job WHERE operation_id = ?1;

-- name: last_operation_step
SELECT id, images FROM later_operation_step WHERE operation_id = ?1 ORDER BY id DESC LIMIT 1;

-- name: delete_operation_step
DELETE FROM later_operation_step WHERE id = ?1;

-- name: forget_operation_steps
DELETE FROM later_operation_step WHERE id IN (
  SELECT s.id FROM later_operation_step AS s LEFT JOIN later_operation AS o ON o.id = s.operation_id
  WHERE o.id IS NULL OR o.state NOT IN ('running', 'undoing') AND coalesce(o.finished_at, 0) < ?1 ORDER BY s.id LIMIT ?2);

-- name: forget_operation_jobs
-- Those of the oldest operation that has any, if it is too old or gone; at most ?2.
DELETE FROM later_operation_job WHERE (operation_id, job_id) IN (
  SELECT j.operation_id, j.job_id FROM (SELECT min(operation_id) AS id FROM later_operation_job) AS m CROSS JOIN later_operation_job AS j ON j.operation_id = m.id
  WHERE NOT EXISTS (SELECT 1 FROM later_operation AS o WHERE o.id = m.id AND (o.created_at >= ?1 OR o.state IN ('running', 'undoing'))) LIMIT ?2);

-- name: forget_operations
-- Those whose jobs are forgotten.
DELETE FROM later_operation WHERE id IN (SELECT id FROM later_operation ORDER BY id LIMIT ?2) AND created_at < ?1 AND state NOT IN ('running', 'undoing')
  AND NOT EXISTS (SELECT 1 FROM later_operation_job AS j WHERE j.operation_id = later_operation.id);

-- name: operations_forgettable
SELECT EXISTS (SELECT 1 FROM later_operation_step AS s LEFT JOIN later_operation AS o ON o.id = s.operation_id
    WHERE o.id IS NULL OR o.state NOT IN ('running', 'undoing') AND coalesce(o.finished_at, 0) < ?1)
  OR EXISTS (SELECT 1 FROM (SELECT created_at FROM later_operation ORDER BY id LIMIT 1) WHERE created_at < ?2);
