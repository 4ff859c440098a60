-- The statements that write. The rows of a batch travel as arrays, one for each
-- column: one statement for any number of jobs. Zero times stand for NULL, which
-- an array of times cannot hold in every driver.
--
-- A row is looked up with = ANY (ARRAY …), where = would do: this leaves one plan, a
-- search in the index for each row of the batch. With = a planner that takes the table
-- for empty (an analysis may have come when it was) walks all of it instead, once for
-- each row of the batch: a claim of 100 among 200,000 took 5 s instead of 2 ms.

-- name: enqueue
-- The number comes first: its order is that of the call. A column that is shorter than
-- that of the arguments has its first value for all: to take apart thirteen arrays costs
-- a third of what storing the jobs does. The answer is the first number, and all of them
-- only if others have drawn some meanwhile. The store's id tells a transaction of the
-- user's that works on another database. Jobs with unique keys have their numbers
-- already: see queries.go.
WITH new AS MATERIALIZED (
  SELECT nextval('later.number') AS id, coalesce(type, ($1::text[])[1]) AS type, coalesce(queue, ($2::text[])[1]) AS queue,
    coalesce(priority, ($3::smallint[])[1]) AS priority, args::json AS args, nullif(coalesce(metadata, ($5::text[])[1]), '')::json AS metadata,
    nullif(coalesce(user_id, ($6::text[])[1]), '') AS user_id, nullif(coalesce(target_id, ($7::text[])[1]), '') AS target_id,
    nullif(coalesce(tags, ($8::text[])[1]), '')::text[] AS tags, coalesce(max_retries, ($9::integer[])[1]) AS max_retries,
    coalesce(timeout_us, ($10::bigint[])[1]) AS timeout_us, coalesce(queued_at, ($11::timestamptz[])[1]) AS queued_at,
    coalesce(run_at, ($12::timestamptz[])[1]) AS run_at, nullif(coalesce(options, ($13::text[])[1]), '')::json AS options
  FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::integer[], $10::bigint[], $11::timestamptz[], $12::timestamptz[], $13::text[]) WITH ORDINALITY
    AS n(type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, run_at, options, place)
), stored AS (
  INSERT INTO later.job (id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
  SELECT id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at,
    nullif(run_at, '0001-01-01 00:00:00+00'), options
  FROM new
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT id, id, priority, 0, 0, queue, type FROM new WHERE run_at <= queued_at
), waits AS (
  INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type)
  SELECT id, run_at, priority, 1, 0, 0, queue, type FROM new WHERE run_at > queued_at
)
SELECT min(id), array_to_string(array_agg(id ORDER BY id) FILTER (WHERE (SELECT max(id) - min(id) >= count(*) FROM new)), ' '),
  (SELECT value FROM later.meta WHERE name = 'store_id')
FROM new;

-- name: enqueue_one
-- As enqueue, for one job: to take apart thirteen arrays of one value each takes the
-- server longer than all the rest.
WITH new AS MATERIALIZED (
  SELECT nextval('later.number') AS id
), stored AS (
  INSERT INTO later.job (id, type, queue, priority, args, metadata, user_id, target_id, tags, max_retries, timeout_us, queued_at, scheduled_at, options)
  SELECT id, $1::text, $2::text, $3::smallint, $4::text::json, nullif($5::text, '')::json, nullif($6::text, ''), nullif($7::text, ''),
    nullif($8::text, '')::text[], $9::integer, $10::bigint, $11::timestamptz, nullif($12::timestamptz, '0001-01-01 00:00:00+00'), nullif($13::text, '')::json
  FROM new
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT id, id, $3::smallint, 0, 0, $2::text, $1::text FROM new WHERE $12::timestamptz <= $11::timestamptz
), waits AS (
  INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type)
  SELECT id, $12::timestamptz, $3::smallint, 1, 0, 0, $2::text, $1::text FROM new WHERE $12::timestamptz > $11::timestamptz
)
SELECT id, NULL::text, (SELECT value FROM later.meta WHERE name = 'store_id') FROM new;

-- name: lanes
-- The lines in which something is ready, by one seek in the index each, and where
-- each begins.
WITH RECURSIVE lane AS (
  (SELECT queue, priority, position FROM later.ready WHERE suspect = $1 ORDER BY queue, priority, position LIMIT 1)
  UNION ALL
  SELECT n.queue, n.priority, n.position FROM lane AS l CROSS JOIN LATERAL (
    SELECT r.queue, r.priority, r.position FROM later.ready AS r
    WHERE r.suspect = $1 AND (r.queue, r.priority) > (l.queue, l.priority)
    ORDER BY r.queue, r.priority, r.position LIMIT 1) AS n
)
SELECT queue, priority, position FROM lane;

-- name: claim
-- $1 … $4: the lanes, from where, and how many at most. $5: whether they compete for
-- $6 places: then the front of each is looked at first, without locks, to see how
-- many each contributes. That may be a look at those only that stand before $12, where
-- $13 says so; if they are too few, all fronts are looked at. $7: the types. $8:
-- suspects. $9 … $11: token, process, now.
-- The limit inside keeps the locks few: no row is locked that is not taken. Locked
-- rows stay where they are, so they are deleted by that: cheaper than by an index.
-- What most jobs do not have comes as one JSON object, if there is any: 22 columns
-- cost 2 µs a job more than 12. Whatever somebody has written into those columns by
-- hand, the object can be made and read: one bad row must not stop a claim. Keys that
-- jobs hold while they wait are looked for only if there are any; what jobs have reported,
-- only if a job between the first and the last of these has.
WITH lane AS MATERIALIZED (
  SELECT l.* FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::integer[], $12::bigint[]) WITH ORDINALITY AS l(queue, priority, hint, most, until, number)
  WHERE l.queue <> ALL (ARRAY (SELECT name FROM later.queue))
), near AS MATERIALIZED (
  SELECT * FROM (
    SELECT l.number, l.most, r.priority, r.position, row_number() OVER (PARTITION BY l.queue ORDER BY r.priority DESC, r.position) AS place
    FROM lane AS l CROSS JOIN LATERAL (
      SELECT r.priority, r.position FROM later.ready AS r
      WHERE r.suspect = $8 AND r.queue = l.queue AND r.priority = l.priority AND r.position >= l.hint AND r.position < l.until AND r.type = ANY ($7::text[])
      ORDER BY r.position LIMIT l.most) AS r
    WHERE $5 AND $13) AS n
  WHERE place <= most
), front AS MATERIALIZED (
  SELECT l.number, l.queue, l.most, r.priority, r.position
  FROM lane AS l CROSS JOIN LATERAL (
    SELECT r.priority, r.position FROM later.ready AS r
    WHERE r.suspect = $8 AND r.queue = l.queue AND r.priority = l.priority AND r.position >= l.hint AND r.type = ANY ($7::text[])
    ORDER BY r.position LIMIT l.most) AS r
  WHERE $5 AND (SELECT count(*) FROM near) < $6
), share AS MATERIALIZED (
  SELECT number, count(*) AS jobs FROM (
    SELECT number FROM (
      SELECT number, priority, position, most, row_number() OVER (PARTITION BY queue ORDER BY priority DESC, position) AS place FROM front
      UNION ALL
      SELECT number, priority, position, most, place FROM near WHERE (SELECT count(*) FROM near) >= $6) AS f
    WHERE place <= most ORDER BY priority DESC, position LIMIT $6) AS best
  GROUP BY number
  UNION ALL
  SELECT number, most FROM lane WHERE NOT $5
), taken AS MATERIALIZED (
  SELECT r.* FROM share AS s JOIN lane AS l ON l.number = s.number CROSS JOIN LATERAL (
    SELECT r.ctid AS place FROM later.ready AS r
    WHERE r.suspect = $8 AND r.queue = l.queue AND r.priority = l.priority AND r.position >= l.hint AND r.type = ANY ($7::text[])
    ORDER BY r.position LIMIT s.jobs FOR UPDATE SKIP LOCKED) AS r
), gone AS (
  DELETE FROM later.ready WHERE ctid = ANY (ARRAY (SELECT place FROM taken))
  RETURNING job_id, position, priority, attempt, crashes, queue, type
), claimed AS (
  INSERT INTO later.claimed (job_id, token, process_id, claimed_at, position, priority, attempt, crashes, queue, type)
  SELECT t.job_id, $9, $10, $11, t.position, t.priority, t.attempt, t.crashes, t.queue, t.type FROM gone AS t
), freed AS (
  DELETE FROM later.unique_key WHERE scope = 2 AND (SELECT EXISTS (SELECT 1 FROM later.unique_key WHERE scope = 2))
    AND job_id = ANY (ARRAY (SELECT job_id FROM gone))
), reported AS MATERIALIZED (
  SELECT EXISTS (SELECT 1 FROM later.progress WHERE job_id >= (SELECT min(job_id) FROM gone) AND job_id <= (SELECT max(job_id) FROM gone)) AS found
)
SELECT t.job_id, t.type, t.queue, t.priority, t.position, t.attempt, t.crashes,
  j.args, coalesce(j.max_retries, 0), coalesce(j.timeout_us, 0), coalesce(j.queued_at, $11),
  CASE WHEN t.attempt > 0 OR t.position <> t.job_id OR num_nonnulls(j.metadata, j.user_id, j.target_id, j.tags, j.scheduled_at, j.options, p.job_id) > 0 THEN json_build_object(
    'metadata', j.metadata::text, 'options', j.options::text, 'user', j.user_id, 'target', j.target_id, 'tags', (SELECT array_agg(tag) FROM unnest(j.tags) AS tag WHERE tag IS NOT NULL),
    'scheduled', CASE WHEN isfinite(j.scheduled_at) THEN least(extract(epoch FROM j.scheduled_at) * 1000000, 9e18)::bigint END,
    'error', (SELECT a.error FROM later.attempt AS a WHERE a.job_id = t.job_id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1),
    'retries', CASE WHEN t.attempt > 0 THEN (SELECT a.rule_retries::text FROM later.attempt AS a WHERE a.job_id = t.job_id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1) END,
    'done', p.done, 'total', p.total, 'message', p.message, 'at', CASE WHEN isfinite(p.at) THEN least(extract(epoch FROM p.at) * 1000000, 9e18)::bigint END) END
FROM gone AS t LEFT JOIN later.job AS j ON j.id = ANY (ARRAY[t.job_id])
LEFT JOIN LATERAL (SELECT * FROM later.progress WHERE (SELECT found FROM reported) AND job_id = ANY (ARRAY[t.job_id])) AS p ON true
ORDER BY t.priority DESC, t.position;

-- name: drop_claims
-- Of jobs whose row in job somebody has deleted: nothing is left to perform.
WITH freed AS (
  DELETE FROM later.unique_key WHERE job_id > 0 AND job_id = ANY ($1::bigint[])
)
DELETE FROM later.claimed WHERE job_id = ANY ($1::bigint[]);

-- name: suspected
SELECT EXISTS (
  SELECT 1 FROM later.ready AS r
  WHERE r.suspect AND r.type = ANY ($1::text[]) AND ($2::text[] IS NULL OR r.queue = ANY ($2::text[]))
    AND r.queue <> ALL (ARRAY (SELECT name FROM later.queue)));

-- name: finish
-- Kinds: 1 complete, 2 retry, 3 postpone, 4 fail, 5 cancel, 6 release. After a
-- request to cancel every kind leads to cancelled, with the reason of the request.
WITH o AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::bigint[]) AS o(job_id, token, kind, run_at, result, error, stack, started_at, finished_at, rule_retries, cause)
), ended AS (
  DELETE FROM later.claimed AS c USING o WHERE c.job_id = ANY (ARRAY[o.job_id]) AND c.token = o.token
  RETURNING c.job_id, c.token, c.process_id, c.position, c.priority, c.crashes, c.queue, c.type, c.cancel_reason,
    c.attempt + 1 AS number, CASE WHEN o.kind IN (3, 6, 7) THEN c.attempt ELSE c.attempt + 1 END AS attempt,
    o.kind, CASE WHEN c.cancel_reason IS NOT NULL THEN 5 WHEN o.kind = 7 THEN 2 ELSE o.kind END AS leads,
    coalesce(nullif(o.started_at, '0001-01-01 00:00:00+00'), c.claimed_at) AS started_at, o.finished_at,
    o.run_at, o.result, coalesce(c.cancel_reason, o.error) AS error, o.stack, o.rule_retries, nullif(o.cause, 0) AS cause
), finished AS (
  INSERT INTO later.finished (job_id, process_id, token, started_at, finished_at, status, attempt, crashes, result, error, cause)
  SELECT job_id, process_id, token, started_at, finished_at, CASE leads WHEN 1 THEN 1 WHEN 4 THEN 2 ELSE 3 END, attempt, crashes,
    CASE WHEN leads = 1 OR cancel_reason IS NOT NULL THEN nullif(result, '')::json END, CASE WHEN leads <> 1 THEN nullif(error, '') END,
    CASE leads WHEN 4 THEN cause END
  FROM ended WHERE leads IN (1, 4, 5)
), counted AS (
  INSERT INTO later.count (status, jobs)
  SELECT CASE leads WHEN 1 THEN 1 WHEN 4 THEN 2 ELSE 3 END, count(*) FROM ended WHERE leads IN (1, 4, 5) GROUP BY 1
), waits AS (
  INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type, reason, cause)
  SELECT job_id, run_at, priority, CASE leads WHEN 2 THEN 3 ELSE 2 END, attempt, crashes, queue, type, CASE leads WHEN 3 THEN nullif(error, '') END,
    CASE leads WHEN 2 THEN cause END
  FROM ended WHERE leads IN (2, 3)
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT job_id, position, priority, attempt, crashes, queue, type FROM ended WHERE leads = 6
), recorded AS (
  INSERT INTO later.attempt (job_id, token, process_id, started_at, finished_at, number, outcome, error, stack, rule_retries, cause)
  SELECT job_id, token, process_id, started_at, finished_at, number,
    CASE leads WHEN 2 THEN CASE kind WHEN 7 THEN 'progressed' ELSE 'retried' END WHEN 3 THEN 'postponed' WHEN 4 THEN 'failed' ELSE 'cancelled' END, nullif(error, ''), nullif(stack, ''),
    CASE WHEN leads = 2 AND kind <> 7 THEN nullif(rule_retries, '')::json END, CASE WHEN leads IN (2, 4) THEN cause END
  FROM ended WHERE kind NOT IN (1, 6)
), freed AS (
  DELETE FROM later.unique_key WHERE job_id > 0 AND job_id = ANY (ARRAY (SELECT job_id FROM ended WHERE leads IN (1, 4, 5))) AND scope <> 3
)
SELECT job_id, token, leads, queue, priority, position FROM ended;

-- name: complete
-- The short way of most outcomes: a third of the work of the long one. Jobs that somebody
-- asked to cancel are left to that. The ids rise, each comes once: the place of one among
-- them is where the other columns have what belongs to it, and to find all of them is
-- one search in the index. Results that are all the same come once. Which claims have
-- ended is told only if some have not.
WITH ended AS (
  DELETE FROM later.claimed AS c
  WHERE c.job_id = ANY ($1::bigint[]) AND c.token = ($2::bigint[])[width_bucket(c.job_id, $1::bigint[])] AND c.cancel_reason IS NULL
  RETURNING c.job_id, c.token, c.process_id, c.attempt, c.crashes, c.claimed_at, width_bucket(c.job_id, $1::bigint[]) AS place
), finished AS (
  INSERT INTO later.finished (job_id, process_id, token, started_at, finished_at, status, attempt, crashes, result)
  SELECT job_id, process_id, token, coalesce(nullif(($4::timestamptz[])[place], '0001-01-01 00:00:00+00'), claimed_at), ($5::timestamptz[])[place],
    1, attempt + 1, crashes, nullif(coalesce(($3::text[])[place], ($3::text[])[1]), '')::json
  FROM ended
), counted AS (
  INSERT INTO later.count (status, jobs) SELECT 1, count(*) FROM ended HAVING count(*) > 0
)
SELECT count(*), array_agg(job_id) FILTER (WHERE (SELECT count(*) FROM ended) < cardinality($1::bigint[])) FROM ended;

-- name: tokens_of_jobs
-- Under which tokens jobs have moved: for outcomes that are repeated.
SELECT f.job_id, f.token FROM later.finished AS f WHERE f.job_id = ANY ($1::bigint[]) AND f.token IS NOT NULL
UNION ALL
SELECT a.job_id, a.token FROM later.attempt AS a WHERE a.job_id = ANY ($1::bigint[]) AND a.outcome <> 'crashed' AND a.token <> 0;

-- name: report_progress
INSERT INTO later.progress AS p (job_id, done, total, at, message)
SELECT c.job_id, n.done, n.total, n.at, n.message
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[]) AS n(job_id, token, done, total, at, message)
JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id]) AND c.token = n.token
ON CONFLICT (job_id) DO UPDATE SET done = excluded.done, total = excluded.total, at = excluded.at, message = excluded.message;

-- name: report_lines
INSERT INTO later.log (job_id, at, attempt, level, message, attrs)
SELECT c.job_id, n.at, n.attempt, n.level, n.message, nullif(n.attrs, '')::json
FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY
  AS n(job_id, token, attempt, at, level, message, attrs, place)
JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id]) AND c.token = n.token
ORDER BY n.place;

-- name: cut_logs
-- The newest lines of each job stay, as many as $3 bytes hold. Lines never change, so
-- they can be deleted by where they are.
DELETE FROM later.log WHERE ctid = ANY (ARRAY (
  SELECT l.place FROM unnest($1::bigint[], $2::bigint[]) AS n(job_id, token)
  JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id]) AND c.token = n.token
  CROSS JOIN LATERAL (
    SELECT ctid AS place, sum(octet_length(message) + coalesce(octet_length(attrs::text), 0)) OVER (ORDER BY id DESC) AS size
    FROM later.log WHERE job_id = c.job_id ORDER BY job_id DESC, id DESC) AS l
  WHERE l.size > $3));

-- name: report_details
-- It waits for nobody: a transaction that completes its job has it in hand, and all that
-- the process writes would wait with it.
WITH lease AS MATERIALIZED (
  SELECT j.id, n.metadata, n.tags
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS n(job_id, token, metadata, tags)
  JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id]) AND c.token = n.token
  JOIN later.job AS j ON j.id = ANY (ARRAY[c.job_id])
  FOR NO KEY UPDATE OF j SKIP LOCKED
)
UPDATE later.job AS j SET metadata = coalesce(nullif(l.metadata, '')::json, j.metadata), tags = coalesce(nullif(l.tags, '')::text[], j.tags)
FROM lease AS l WHERE j.id = ANY (ARRAY[l.id]);

-- name: report_details_patiently
-- The same in a transaction of the caller's.
UPDATE later.job AS j SET metadata = coalesce(nullif(n.metadata, '')::json, j.metadata), tags = coalesce(nullif(n.tags, '')::text[], j.tags)
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS n(job_id, token, metadata, tags)
JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id]) AND c.token = n.token
WHERE j.id = ANY (ARRAY[c.job_id]);

-- name: save_steps
-- The lock keeps the job with its process until the end of the transaction, and lets
-- people ask for its cancellation. Whoever holds another lock is taking the job away.
WITH lease AS MATERIALIZED (
  SELECT job_id FROM later.claimed WHERE job_id = ANY (ARRAY[$1::bigint]) AND token = $2 FOR KEY SHARE SKIP LOCKED
), saved AS (
  INSERT INTO later.step (job_id, name, kind, result, at, attempt)
  SELECT l.job_id, n.name, n.kind, nullif(n.result, '')::json, n.at, n.attempt
  FROM lease AS l CROSS JOIN unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::integer[]) AS n(name, kind, result, at, attempt)
  ON CONFLICT (job_id, name) DO UPDATE SET kind = excluded.kind, result = excluded.result, at = excluded.at, attempt = excluded.attempt
)
SELECT count(*) FROM lease;

-- name: join
INSERT INTO later.process (id, beat, beat_at, started_at, pid, slots, state, host, version, queues, performs)
VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, nullif($9::text, '')::json, nullif($10::text, '')::json);

-- name: publish_type
INSERT INTO later.job_type (name, description, queue, priority, max_retries, timeout_us, schema, seen_at, start_within_us, finish_within_us, uniqueness)
VALUES ($1, $2, $3, $4, $5, $6, nullif($7::text, '')::json, $8, $9, $10, nullif($11::text, '')::json)
ON CONFLICT (name) DO UPDATE SET description = excluded.description, queue = excluded.queue, priority = excluded.priority,
  max_retries = excluded.max_retries, timeout_us = excluded.timeout_us, schema = excluded.schema, seen_at = excluded.seen_at,
  start_within_us = excluded.start_within_us, finish_within_us = excluded.finish_within_us,
  uniqueness = excluded.uniqueness;

-- name: beat
-- No row: the process is not known any more. Else a row for each claim of $5 and $6 that
-- it has, one without a job if it has none of them: a look for each, since reading all
-- claims takes long where an old snapshot keeps VACUUM from removing millions. The last
-- column says whether somebody asks something of it.
WITH me AS (
  UPDATE later.process SET beat = beat + 1, beat_at = $2, state = $3, clock_ahead_us = $4 WHERE id = $1 RETURNING id
)
SELECT c.job_id, c.token, c.claimed_at, c.cancel_reason, clock_timestamp(),
  EXISTS (SELECT 1 FROM later.request WHERE process_id = $1 AND answered_at IS NULL)
FROM me LEFT JOIN (
  SELECT c.* FROM unnest($5::bigint[], $6::bigint[]) AS held(job_id, token)
  JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[held.job_id]) AND c.token = held.token AND c.process_id = $1) AS c ON true;

-- name: clock
-- In microseconds: a time as text depends on the server's settings.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- name: requests_of_process
SELECT id, process_id, kind, job_id, by, asked_at, answered_at, answer FROM later.request
WHERE process_id = $1 AND answered_at IS NULL AND asked_at > $2 ORDER BY asked_at, id LIMIT $3;

-- name: ask
-- A conflict is the same call, whose answer was lost.
INSERT INTO later.request (id, process_id, kind, job_id, by, asked_at)
SELECT $1, id, $3, $4, $5, $6 FROM later.process WHERE id = $2
ON CONFLICT (id) DO UPDATE SET asked_at = excluded.asked_at;

-- name: forget_requests
DELETE FROM later.request WHERE asked_at <= $1;

-- name: answer
-- What is answered is not asked for in the condition: the index of open requests would
-- be a second way to the row.
UPDATE later.request SET answer = CASE WHEN answered_at IS NULL THEN $2 ELSE answer END, answered_at = coalesce(answered_at, $3) WHERE id = $1;

-- name: leave
DELETE FROM later.process WHERE id = ANY ($1::bigint[]);

-- name: claims_of_process
-- In no order: one by id would tempt into walking the index, with all that is dead in it.
SELECT job_id, token, claimed_at, cancel_reason FROM later.claimed WHERE process_id = $1;

-- name: claims_to_release
-- Those that a transaction has in hand are left to it: it may stay open for long.
SELECT job_id, token FROM later.claimed WHERE process_id = $1 FOR UPDATE SKIP LOCKED;

-- name: declare_dead
DELETE FROM later.process AS p USING unnest($1::bigint[], $2::bigint[]) AS s(id, beat) WHERE p.id = ANY (ARRAY[s.id]) AND p.beat = s.beat
RETURNING p.id;

-- name: strangers
-- Whether there are claims of processes that are not known (any more).
SELECT EXISTS (SELECT 1 FROM later.claimed WHERE process_id <> ALL (ARRAY (SELECT id FROM later.process)));

-- name: take_back
-- The claims of processes that are not known (any more). $1: now. $2: how many crashes
-- fail a job, with the reason $3. The jobs go to the end of their lines, since one of them may be what
-- kills its processes. The token goes: the outcome of a lost claim is superseded. A job
-- that a transaction of its handler's has in hand is left for later: that transaction may
-- stay open for long after its process was cut off, and everybody's enqueues would wait.
-- What has failed jobs is a cause, whose id is a hash: see finish_causes.
WITH free AS MATERIALIZED (
  SELECT job_id FROM later.claimed WHERE process_id <> ALL (ARRAY (SELECT id FROM later.process)) FOR UPDATE SKIP LOCKED
), back AS (
  DELETE FROM later.claimed WHERE job_id = ANY (ARRAY (SELECT job_id FROM free))
  RETURNING job_id, token, process_id, claimed_at, priority, attempt, crashes + 1 AS crashes, queue, type, cancel_reason,
    CASE WHEN cancel_reason IS NOT NULL THEN 3 WHEN crashes + 1 >= $2 THEN 2 ELSE 0 END AS status
), recorded AS (
  INSERT INTO later.attempt (job_id, token, process_id, started_at, finished_at, number, outcome, error)
  SELECT job_id, token, process_id, claimed_at, $1, attempt + 1, 'crashed', $3 FROM back
), finished AS (
  INSERT INTO later.finished (job_id, process_id, started_at, finished_at, status, attempt, crashes, error)
  SELECT job_id, process_id, claimed_at, $1, status, attempt, crashes, coalesce(cancel_reason, $3) FROM back WHERE status > 0
), counted AS (
  INSERT INTO later.count (status, jobs) SELECT status, count(*) FROM back WHERE status > 0 GROUP BY status
), freed AS (
  DELETE FROM later.unique_key WHERE job_id > 0 AND job_id = ANY (ARRAY (SELECT job_id FROM back WHERE status > 0)) AND scope <> 3
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT job_id, nextval('later.number'), priority, attempt, crashes, queue, type
  FROM (SELECT * FROM back WHERE status = 0 ORDER BY process_id, job_id) AS b
  RETURNING job_id, position
)
SELECT b.job_id, b.process_id, b.type, b.status, b.crashes, b.queue, b.priority, l.position
FROM back AS b LEFT JOIN lined_up AS l ON l.job_id = b.job_id ORDER BY b.job_id;

-- name: promote
-- $1: now. $2: how many at most. $3: nothing is due before.
WITH due AS MATERIALIZED (
  SELECT job_id, run_at, priority, attempt, crashes, queue, type FROM later.waiting
  WHERE run_at <= $1 AND run_at >= $3 AND run_at > '-infinity' ORDER BY run_at, job_id LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM later.waiting WHERE job_id = ANY (ARRAY (SELECT job_id FROM due))
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT job_id, nextval('later.number'), priority, attempt, crashes, queue, type FROM (SELECT * FROM due ORDER BY run_at, job_id) AS d
  RETURNING queue, priority, position
)
SELECT queue, priority, count(*), min(position) FROM lined_up GROUP BY queue, priority;

-- name: next_due
SELECT run_at FROM later.waiting WHERE run_at >= $1 AND run_at > '-infinity' ORDER BY run_at, job_id LIMIT 1;

-- name: old_finished
SELECT f.job_id, f.status, f.finished_at, j.queued_at,
  EXISTS (SELECT 1 FROM later.unique_key AS k WHERE k.job_id = ANY (ARRAY[f.job_id]) AND k.job_id > 0 AND coalesce(k.expires_at, '-infinity') > $3)
FROM later.finished AS f JOIN later.job AS j ON j.id = ANY (ARRAY[f.job_id])
WHERE f.job_id > $1 ORDER BY f.job_id LIMIT $2;

-- name: delete
-- Jobs that have finished, and ($2) those that wait, with their history.
WITH finished AS (
  DELETE FROM later.finished WHERE job_id = ANY ($1::bigint[]) RETURNING job_id, status
), ready AS (
  DELETE FROM later.ready WHERE job_id = ANY ($1::bigint[]) AND $2 RETURNING job_id
), waiting AS (
  DELETE FROM later.waiting WHERE job_id = ANY ($1::bigint[]) AND $2 RETURNING job_id
), gone AS MATERIALIZED (
  SELECT job_id FROM finished UNION ALL SELECT job_id FROM ready UNION ALL SELECT job_id FROM waiting
), counted AS (
  INSERT INTO later.count (status, jobs) SELECT status, -count(*) FROM finished GROUP BY status
), job AS (
  DELETE FROM later.job WHERE id = ANY (ARRAY (SELECT job_id FROM gone))
), attempt AS (
  DELETE FROM later.attempt WHERE job_id = ANY (ARRAY (SELECT job_id FROM gone))
), log AS (
  DELETE FROM later.log WHERE job_id = ANY (ARRAY (SELECT job_id FROM gone))
), progress AS (
  DELETE FROM later.progress WHERE job_id = ANY (ARRAY (SELECT job_id FROM gone))
), key AS (
  DELETE FROM later.unique_key WHERE job_id > 0 AND job_id = ANY (ARRAY (SELECT job_id FROM gone))
), step AS (
  DELETE FROM later.step WHERE job_id = ANY (ARRAY (SELECT job_id FROM gone))
)
SELECT job_id FROM gone;

-- name: fold_counts
WITH parts AS (
  DELETE FROM later.count RETURNING status, jobs
)
INSERT INTO later.count (status, jobs) SELECT status, sum(jobs) FROM parts GROUP BY status;

-- name: cancel
-- Jobs that wait finish, those that run are asked to stop; the first reason stands.
-- Cancelled jobs keep who ran them last.
WITH waiting AS (
  DELETE FROM later.waiting WHERE job_id = ANY ($1::bigint[]) RETURNING job_id, attempt, crashes
), ready AS (
  DELETE FROM later.ready WHERE job_id = ANY ($1::bigint[]) RETURNING job_id, attempt, crashes
), asked AS (
  UPDATE later.claimed SET cancel_reason = coalesce(cancel_reason, $2) WHERE job_id = ANY ($1::bigint[]) RETURNING job_id
), gone AS MATERIALIZED (
  SELECT * FROM waiting UNION ALL SELECT * FROM ready
), finished AS (
  INSERT INTO later.finished (job_id, process_id, started_at, finished_at, status, attempt, crashes, error)
  SELECT g.job_id, l.process_id, l.started_at, $3, 3, g.attempt, g.crashes, nullif($2, '')
  FROM gone AS g LEFT JOIN LATERAL (
    SELECT a.process_id, a.started_at FROM later.attempt AS a WHERE a.job_id = g.job_id ORDER BY a.id DESC LIMIT 1) AS l ON true
), counted AS (
  INSERT INTO later.count (status, jobs) SELECT 3, count(*) FROM gone HAVING count(*) > 0
), freed AS (
  DELETE FROM later.unique_key WHERE job_id > 0 AND job_id = ANY (ARRAY (SELECT job_id FROM gone)) AND scope <> 3
)
SELECT job_id, false FROM gone UNION ALL SELECT job_id, true FROM asked;

-- name: unfinished
SELECT job_id FROM later.waiting WHERE job_id = ANY ($1::bigint[])
UNION ALL SELECT job_id FROM later.ready WHERE job_id = ANY ($1::bigint[])
UNION ALL SELECT job_id FROM later.claimed WHERE job_id = ANY ($1::bigint[]);

-- name: retry
WITH finished AS (
  DELETE FROM later.finished WHERE job_id = ANY ($1::bigint[]) RETURNING job_id, status
), retrying AS (
  DELETE FROM later.waiting WHERE job_id = ANY ($1::bigint[]) AND kind = 3 RETURNING job_id, attempt, crashes
), counted AS (
  INSERT INTO later.count (status, jobs) SELECT status, -count(*) FROM finished GROUP BY status
), progress AS (
  DELETE FROM later.progress WHERE job_id = ANY (ARRAY (SELECT job_id FROM finished))
), step AS (
  DELETE FROM later.step WHERE job_id = ANY (ARRAY (SELECT job_id FROM finished WHERE status = 1))
), back AS (
  SELECT job_id, 0 AS attempt, 0 AS crashes FROM finished UNION ALL SELECT job_id, attempt, crashes FROM retrying
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT b.job_id, nextval('later.number'), b.priority, b.attempt, b.crashes, b.queue, b.type FROM (
    SELECT b.*, j.priority, j.queue, j.type FROM back AS b JOIN later.job AS j ON j.id = ANY (ARRAY[b.job_id]) ORDER BY b.job_id) AS b
  RETURNING job_id, queue, priority, position
)
SELECT job_id, queue, priority, position FROM lined_up;

-- name: put_off
-- To a time that has not come.
WITH waits AS (
  UPDATE later.waiting SET run_at = $2, kind = CASE kind WHEN 3 THEN 3 ELSE 1 END, reason = NULL
  WHERE job_id = ANY ($1::bigint[]) RETURNING job_id
), ready AS (
  DELETE FROM later.ready WHERE job_id = ANY ($1::bigint[]) RETURNING job_id, priority, attempt, crashes, queue, type
), moved AS (
  INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type)
  SELECT job_id, $2, priority, 1, attempt, crashes, queue, type FROM ready
)
SELECT job_id FROM waits UNION ALL SELECT job_id FROM ready;

-- name: bring_forward
-- To now. Jobs that are pending keep their places in line.
WITH waits AS (
  DELETE FROM later.waiting WHERE job_id = ANY ($1::bigint[]) RETURNING job_id, priority, attempt, crashes, queue, type
), lined_up AS (
  INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
  SELECT job_id, nextval('later.number'), priority, attempt, crashes, queue, type FROM (SELECT * FROM waits ORDER BY job_id) AS w
  RETURNING job_id, queue, priority, position
)
SELECT job_id, queue, priority, position FROM lined_up
UNION ALL SELECT job_id, queue, priority, position FROM later.ready WHERE job_id = ANY ($1::bigint[]);

-- name: pause
INSERT INTO later.queue (name, paused_at, reason, person) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at, reason = excluded.reason, person = excluded.person;

-- name: resume
DELETE FROM later.queue WHERE name = $1;

-- name: begin_epoch
-- No row: it has been begun, or it is the first, which has nothing to be apart from.
-- A row that is updated has an xmax, one that is inserted has none.
WITH epoch AS (
  INSERT INTO later.meta AS m (name, value) VALUES ('epoch', $1)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE m.value <> excluded.value
  RETURNING m.xmax <> 0 AS another
)
SELECT setval('later.number', greatest(nextval('later.number'), (SELECT id FROM later.job WHERE id > 0 ORDER BY id DESC LIMIT 1)) + $2)
FROM epoch WHERE another;

-- name: add_rollups
INSERT INTO later.rollup (span_s, at, queue, type, completed, retried, postponed, failed, cancelled, wait, run)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
  $10::text[], $11::text[]);

-- name: take_rollups
-- Spans of a length that begin before a time, oldest first. Another process may be at
-- it: then it has the rest.
DELETE FROM later.rollup WHERE id = ANY (ARRAY (
  SELECT id FROM later.rollup WHERE span_s = $1 AND at < $2 ORDER BY at LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING span_s, at, queue, type, completed, retried, postponed, failed, cancelled, wait, run;
