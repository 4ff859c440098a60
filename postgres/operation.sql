-- The statements of operations.

-- name: add_operation
INSERT INTO later.operation (action, filter, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone, created_at, problem, audit_id)
SELECT $1, $2::text::json, $3, $4, $5, $6, 'running', last, last + 1, $7, 0, 0, 0, '{}', $8, '', $9
FROM (SELECT coalesce((SELECT id FROM later.job WHERE id > 0 ORDER BY id DESC LIMIT 1), 0) AS last) AS l
RETURNING id;

-- name: save_operation
UPDATE later.operation SET state = $2, cursor = $3, changed = $4, untouched = $5, restored = $6, not_undone = $7::text::json, finished_at = $8, undone_at = $9, problem = $10
WHERE id = ANY (ARRAY[$1::bigint]);

-- name: operation_by_id
SELECT id, action, filter::text, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone::text, created_at, finished_at, undone_at, problem, audit_id
FROM later.operation WHERE id = ANY (ARRAY[$1::bigint]);

-- name: take_operation
-- For one step. No row: another process is at it, or there is none.
SELECT id, action, filter::text, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone::text, created_at, finished_at, undone_at, problem, audit_id
FROM later.operation WHERE id = ANY (ARRAY[$1::bigint]) FOR UPDATE SKIP LOCKED;

-- name: turn_operation
-- Waits for the end of a step.
SELECT id, action, filter::text, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone::text, created_at, finished_at, undone_at, problem, audit_id
FROM later.operation WHERE id = ANY (ARRAY[$1::bigint]) FOR UPDATE;

-- name: operations
SELECT id, action, filter::text, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone::text, created_at, finished_at, undone_at, problem, audit_id
FROM later.operation WHERE id < $1 ORDER BY id DESC LIMIT $2;

-- name: working_operations
SELECT id, action, filter::text, at, person, source, reason, state, bound, cursor, matched, changed, untouched, restored, not_undone::text, created_at, finished_at, undone_at, problem, audit_id
FROM later.operation WHERE state IN ('running', 'undoing') AND id < $1 ORDER BY id DESC LIMIT $2;

-- name: sizes_of_jobs
-- About how much they hold.
SELECT j.id, octet_length(j.args::text) + coalesce(octet_length(j.metadata::text), 0) + coalesce(octet_length(j.options::text), 0)
  + coalesce((SELECT octet_length(f.result::text) FROM later.finished AS f WHERE f.job_id = ANY (ARRAY[j.id])), 0)
  + coalesce((SELECT sum(octet_length(l.message) + coalesce(octet_length(l.attrs::text), 0)) FROM later.log AS l WHERE l.job_id = j.id), 0)
  + coalesce((SELECT sum(coalesce(octet_length(a.error), 0) + coalesce(octet_length(a.stack), 0)) FROM later.attempt AS a WHERE a.job_id = j.id), 0)
  + coalesce((SELECT sum(octet_length(t.name) + coalesce(octet_length(t.result::text), 0)) FROM later.step AS t WHERE t.job_id = j.id), 0)
FROM unnest($1::bigint[]) AS e(id) JOIN later.job AS j ON j.id = ANY (ARRAY[e.id]);

-- name: hold_ready
-- The jobs that stand in a place stay there until the end of the transaction.
SELECT job_id FROM later.ready WHERE job_id = ANY ($1::bigint[]) ORDER BY job_id FOR UPDATE;

-- name: hold_waiting
SELECT job_id FROM later.waiting WHERE job_id = ANY ($1::bigint[]) ORDER BY job_id FOR UPDATE;

-- name: hold_finished
SELECT job_id FROM later.finished WHERE job_id = ANY ($1::bigint[]) ORDER BY job_id FOR UPDATE;

-- name: add_operation_step
INSERT INTO later.operation_step (operation_id, images) VALUES ($1, $2);

-- name: add_operation_jobs
INSERT INTO later.operation_job (operation_id, job_id) SELECT $1, id FROM unnest($2::bigint[]) AS j(id) ON CONFLICT (operation_id, job_id) DO NOTHING;

-- name: last_operation_step
SELECT id, images FROM later.operation_step WHERE operation_id = $1 ORDER BY operation_id DESC, id DESC LIMIT 1;

-- name: delete_operation_step
DELETE FROM later.operation_step WHERE operation_id = $1 AND id = $2;

-- name: forget_operation_steps
DELETE FROM later.operation_step WHERE ctid = ANY (ARRAY (
  SELECT s.ctid FROM later.operation_step AS s LEFT JOIN later.operation AS o ON o.id = ANY (ARRAY[s.operation_id])
  WHERE o.id IS NULL OR o.state NOT IN ('running', 'undoing') AND coalesce(o.finished_at, o.created_at) < $1 ORDER BY s.operation_id, s.id LIMIT $2));

-- name: forget_operation_jobs
-- Those of the oldest operation that has any, if it is too old or gone; at most $2. Two
-- processes that forget at once do not wait for each other.
DELETE FROM later.operation_job WHERE ctid = ANY (ARRAY (
  SELECT j.ctid FROM later.operation_job AS j WHERE j.operation_id = (
    SELECT m.id FROM (SELECT operation_id AS id FROM later.operation_job ORDER BY operation_id, job_id LIMIT 1) AS m
    WHERE (SELECT o.created_at < $1 AND o.state NOT IN ('running', 'undoing') FROM later.operation AS o WHERE o.id = ANY (ARRAY[m.id])) IS NOT FALSE)
  ORDER BY j.operation_id, j.job_id LIMIT $2 FOR UPDATE SKIP LOCKED));

-- name: forget_operations
-- Those whose jobs are forgotten.
DELETE FROM later.operation WHERE id = ANY (ARRAY (
  SELECT id FROM (SELECT id, created_at, state FROM later.operation ORDER BY id LIMIT $2) AS o WHERE created_at < $1 AND state NOT IN ('running', 'undoing')
    AND (SELECT 1 FROM later.operation_job AS j WHERE j.operation_id = o.id LIMIT 1) IS NULL));
