-- What must hold of a store, and how many rows there are for which it does not. It looks
-- at everything, on request of a person.
SELECT 'jobs that are in no place, or in several', count(*) FROM later.job AS j
WHERE (SELECT count(*) FROM later.waiting AS p WHERE p.job_id = j.id) + (SELECT count(*) FROM later.ready AS p WHERE p.job_id = j.id)
  + (SELECT count(*) FROM later.claimed AS p WHERE p.job_id = j.id) + (SELECT count(*) FROM later.finished AS p WHERE p.job_id = j.id) <> 1
UNION ALL SELECT 'waiting rows without a job', count(*) FROM later.waiting AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'ready rows without a job', count(*) FROM later.ready AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'claimed rows without a job', count(*) FROM later.claimed AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'finished rows without a job', count(*) FROM later.finished AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'attempts of no job', count(*) FROM later.attempt AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'log lines of no job', count(*) FROM later.log AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'steps of no job', count(*) FROM later.step AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'unique keys that no job holds', count(*) FROM later.unique_key AS p WHERE NOT EXISTS (SELECT 1 FROM later.job AS j WHERE j.id = p.job_id)
UNION ALL SELECT 'statuses whose number of finished jobs is counted wrong', count(*) FROM (SELECT status, sum(jobs) AS jobs FROM later.count GROUP BY status) AS c
  WHERE c.jobs <> (SELECT count(*) FROM later.finished AS f WHERE f.status = c.status)
