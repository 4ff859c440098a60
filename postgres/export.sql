-- The statements that read whole jobs for another store.

-- name: export_ids
-- The next jobs, as many as $3 bytes hold, but one at least.
SELECT id FROM (
  SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM (
    SELECT j.id, octet_length(j.args::text) + coalesce(octet_length(j.metadata::text), 0) + coalesce(octet_length(j.options::text), 0)
      + coalesce((SELECT octet_length(f.result::text) FROM later.finished AS f WHERE f.job_id = ANY (ARRAY[j.id])), 0)
      + coalesce((SELECT sum(octet_length(l.message) + coalesce(octet_length(l.attrs::text), 0)) FROM later.log AS l WHERE l.job_id = j.id), 0)
      + coalesce((SELECT sum(coalesce(octet_length(a.error), 0) + coalesce(octet_length(a.stack), 0)) FROM later.attempt AS a WHERE a.job_id = j.id), 0)
      + coalesce((SELECT sum(octet_length(t.name) + coalesce(octet_length(t.result::text), 0)) FROM later.step AS t WHERE t.job_id = j.id), 0) AS size
    FROM later.job AS j WHERE j.id > $1 ORDER BY j.id LIMIT $2) AS jobs) AS sized
WHERE before < $3 ORDER BY id;

-- name: export_places
-- Places in line, and why running jobs are to stop.
SELECT job_id, position, NULL FROM later.ready WHERE job_id = ANY ($1::bigint[])
UNION ALL SELECT job_id, position, cancel_reason FROM later.claimed WHERE job_id = ANY ($1::bigint[]);

-- name: export_attempts
SELECT job_id, number, outcome, process_id, started_at, finished_at, error, stack, rule_retries, coalesce(cause, 0)
FROM later.attempt WHERE job_id = ANY ($1::bigint[]) ORDER BY job_id, id;

-- name: export_logs
SELECT job_id, attempt, at, level, message, attrs FROM later.log WHERE job_id = ANY ($1::bigint[]) ORDER BY job_id, id;

-- name: export_steps
SELECT job_id, name, kind, result, at, attempt FROM later.step WHERE job_id = ANY ($1::bigint[]) ORDER BY job_id, at, name;
