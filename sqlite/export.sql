-- The statements that read whole jobs for another store.

-- name: export_ids
-- The next jobs, as many as ?3 bytes hold, but one at least.
SELECT id FROM (
  SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM (
    SELECT j.id, octet_length(j.args) + coalesce(octet_length(j.metadata), 0) + coalesce(octet_length(j.options), 0)
      + coalesce((SELECT octet_length(f.result) FROM later_finished AS f WHERE f.job_id = j.id), 0)
      + coalesce((SELECT sum(octet_length(l.message) + coalesce(octet_length(l.attrs), 0)) FROM later_log AS l WHERE l.job_id = j.id), 0)
      + coalesce((SELECT sum(coalesce(octet_length(a.error), 0) + coalesce(octet_length(a.stack), 0)) FROM later_attempt AS a WHERE a.job_id = j.id), 0)
      + coalesce((SELECT sum(octet_length(t.name) + coalesce(octet_length(t.result), 0)) FROM later_step AS t WHERE t.job_id = j.id), 0) AS size
    FROM later_job AS j WHERE j.id > ?1 ORDER BY j.id LIMIT ?2))
WHERE before < ?3 ORDER BY id;

-- name: export_places
-- Places in line, and why running jobs are to stop.
SELECT r.job_id, r.position, NULL FROM json_each(?1) AS e CROSS JOIN later_ready AS r ON r.job_id = e.value
UNION ALL
SELECT c.job_id, c.position, x.reason FROM json_each(?1) AS e CROSS JOIN later_claimed AS c ON c.job_id = e.value
LEFT JOIN later_cancel_request AS x ON x.job_id = c.job_id;

-- name: export_attempts
SELECT a.job_id, a.number, a.outcome, a.process_id, a.started_at, a.finished_at, a.error, a.stack, a.rule_retries, coalesce(a.cause, 0)
FROM json_each(?1) AS e CROSS JOIN later_attempt AS a ON a.job_id = e.value ORDER BY a.job_id, a.id;

-- name: export_logs
SELECT l.job_id, l.attempt, l.at, l.level, l.message, l.attrs
FROM json_each(?1) AS e CROSS JOIN later_log AS l ON l.job_id = e.value ORDER BY l.job_id, l.id;

-- name: export_steps
SELECT t.job_id, t.name, t.kind, t.result, t.at, t.attempt
FROM json_each(?1) AS e CROSS JOIN later_step AS t ON t.job_id = e.value ORDER BY t.job_id, t.at, t.name;
