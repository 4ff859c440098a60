package main

var twice = Room{"Work that runs twice, and zombies", []Exhibit{
	{
		Title:   "A late worker completes what is no longer its job",
		Bug:     "An outcome is accepted by the id of the job alone. A worker that was taken for dead ends a job that another performs by now: the same job is finished and failed, or its lock is released twice.",
		Sources: []string{"rails/solid_queue#761", "rails/solid_queue#689", "rails/solid_queue#589"},
		Breaks:  []string{"I3", "I4", "I23"},
		Mutants: []Mutant{
			{
				Name: "outcome-without-token-sqlite", What: "The token of an outcome is not compared.",
				Changes: []Change{{"sqlite/finish.go", "if !ok || claim.token != o.Token {", "if !ok {"}},
				Killer:  inFile("repeat/the token of an earlier claim is superseded"),
			},
			{
				Name: "outcome-without-token-postgres", What: "The same, in the statement for every kind of outcome.",
				Changes: []Change{{"postgres/write.sql", "DELETE FROM later.claimed AS c USING o WHERE c.job_id = ANY (ARRAY[o.job_id]) AND c.token = o.token\n", "DELETE FROM later.claimed AS c USING o WHERE c.job_id = ANY (ARRAY[o.job_id])\n"}},
				Killer:  onPostgres("repeat/the token of an earlier claim is superseded"),
			},
			{
				Name: "completion-without-token-postgres", What: "The same, in the short statement for completions.",
				Changes: []Change{{"postgres/write.sql", "WHERE c.job_id = ANY ($1::bigint[]) AND c.token = ($2::bigint[])[width_bucket(c.job_id, $1::bigint[])] AND c.cancel_reason IS NULL", "WHERE c.job_id = ANY ($1::bigint[]) AND cardinality($2::bigint[]) > 0 AND c.cancel_reason IS NULL"}},
				Killer:  onPostgres("repeat/the token of an earlier claim is superseded"),
			},
			{
				Name: "report-without-token-postgres", What: "Progress is accepted from a worker that has lost the job.",
				Changes: []Change{{"postgres/write.sql", "JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id]) AND c.token = n.token\nON CONFLICT", "JOIN later.claimed AS c ON c.job_id = ANY (ARRAY[n.job_id])\nON CONFLICT"}},
				Killer:  onPostgres("report/a report under a stale token is dropped"),
			},
		},
	},
	{
		Title:   "A late failure raises the dead",
		Bug:     "An outcome is stored whatever has become of the job meanwhile. A late failure of attempt 2 puts back a job that attempt 3 has ended; the row is then against a constraint, and stops the whole queue.",
		Sources: []string{"oban-bg/oban#532", "oban-bg/oban#652", "oban-bg/oban#901", "oban-bg/oban#1498"},
		Breaks:  []string{"I4", "I23"},
		Mutants: []Mutant{{
			Name: "late-failure-postgres", What: "An outcome moves the job wherever it is, claimed or not.",
			Changes: []Change{{"postgres/write.sql", `), ended AS (
  DELETE FROM later.claimed AS c USING o WHERE c.job_id = ANY (ARRAY[o.job_id]) AND c.token = o.token
  RETURNING c.job_id,`, `), gone AS (
  DELETE FROM later.claimed AS c USING o WHERE c.job_id = ANY (ARRAY[o.job_id]) AND c.token = o.token
), ended AS MATERIALIZED (
  SELECT c.job_id,`}, {"postgres/write.sql", `    o.run_at, o.result, coalesce(c.cancel_reason, o.error) AS error, o.stack, o.rule_retries, nullif(o.cause, 0) AS cause
), finished AS (`, `    o.run_at, o.result, coalesce(c.cancel_reason, o.error) AS error, o.stack, o.rule_retries, nullif(o.cause, 0) AS cause
  FROM o JOIN (
    SELECT c.* FROM later.claimed AS c UNION ALL
    SELECT f.job_id, f.token, 0, f.started_at, f.job_id, j.priority, f.attempt, f.crashes, j.queue, j.type, NULL
    FROM later.finished AS f JOIN later.job AS j ON j.id = f.job_id) AS c ON c.job_id = o.job_id
), finished AS (`}},
			Killer: onPostgres("repeat/a claim is not finished two ways"),
		}},
	},
	{
		Title:   "Rescue by age",
		Bug:     "Whatever has run for longer than a fixed time is taken for abandoned and started again, while its worker is alive and well: long jobs run twice, night after night.",
		Sources: []string{"hexpm/hexpm#1825", "oban-bg/oban#1141"},
		Breaks:  []string{"I3", "I8"},
		Mutants: []Mutant{
			{
				Name: "rescue-by-age-sqlite", What: "Recovery also takes back what was claimed more than a minute ago.",
				Changes: []Change{{"sqlite/write.sql", "WHERE process_id NOT IN (SELECT id FROM later_process);", "WHERE process_id NOT IN (SELECT id FROM later_process) OR claimed_at < (unixepoch() - 60) * 1000000;"}},
				Killer:  inFile("recover/a process that is not named lives on"),
			},
			{
				Name: "rescue-by-age-postgres", What: "The same.",
				Changes: []Change{
					{"postgres/write.sql", "(SELECT id FROM later.process)));", "(SELECT id FROM later.process)) OR claimed_at < now() - interval '1 minute');"},
					{"postgres/write.sql", "(SELECT id FROM later.process)) FOR UPDATE SKIP LOCKED", "(SELECT id FROM later.process)) OR claimed_at < now() - interval '1 minute' FOR UPDATE SKIP LOCKED"},
				},
				Killer: onPostgres("recover/a process that is not named lives on"),
			},
		},
	},
	{
		Title:   "Two recoverers, one expired lease",
		Bug:     "A recoverer lists leases that have run out and acts on the list. Between the two, another recoverer or the owner itself has moved on.",
		Sources: []string{"hibiken/asynq#717", "hibiken/asynq#90"},
		Breaks:  []string{"I3", "I4"},
		Mutants: []Mutant{
			{
				Name: "reap-without-look-sqlite", What: "A process is declared dead though its heart has beaten since it was seen silent.",
				Changes: []Change{{"sqlite/write.sql", "DELETE FROM later_process WHERE id = ?1 AND beat = ?2;", "DELETE FROM later_process WHERE id = ?1 AND ?2 >= 0;"}},
				Killer:  inFile("recover/a beat in between saves the process"),
			},
			{
				Name: "reap-without-look-postgres", What: "The same.",
				Changes: []Change{{"postgres/write.sql", "WHERE p.id = ANY (ARRAY[s.id]) AND p.beat = s.beat\n", "WHERE p.id = ANY (ARRAY[s.id])\n"}},
				Killer:  onPostgres("recover/a beat in between saves the process"),
			},
		},
	},
	{
		Title:   "The rescuer writes from a stale snapshot",
		Bug:     "The rescuer reads which jobs are stuck, and later writes their rows. A job that was completed in between becomes available again.",
		Sources: []string{"riverqueue/river#1302", "riverqueue/river#1373"},
		Breaks:  []string{"I3", "I23"},
		Mutants: []Mutant{{
			Name: "rescue-from-snapshot-postgres", What: "Recovery puts back what it has read, not what it has deleted.",
			Changes: []Change{{"postgres/write.sql", `), back AS (
  DELETE FROM later.claimed WHERE job_id = ANY (ARRAY (SELECT job_id FROM free))
  RETURNING job_id, token, process_id, claimed_at, priority, attempt, crashes + 1 AS crashes, queue, type, cancel_reason,
    CASE WHEN cancel_reason IS NOT NULL THEN 3 WHEN crashes + 1 >= $2 THEN 2 ELSE 0 END AS status
)`, `), back AS MATERIALIZED (
  SELECT job_id, token, process_id, claimed_at, priority, attempt, crashes + 1 AS crashes, queue, type, cancel_reason,
    CASE WHEN cancel_reason IS NOT NULL THEN 3 WHEN crashes + 1 >= $2 THEN 2 ELSE 0 END AS status
  FROM later.claimed WHERE process_id <> ALL (ARRAY (SELECT id FROM later.process))
), gone AS (
  DELETE FROM later.claimed WHERE job_id = ANY (ARRAY (SELECT job_id FROM free))
)`}},
			Killer: Test{"postgres", "TestRecoveryMeetsAnOutcome"},
		}},
	},
	{
		Title:   "A shared outage looks like the death of all others",
		Bug:     "Heartbeats stop because the database is away, busy or locked, not because the processes are dead. Whoever comes back first declares the rest dead and starts their jobs a second time.",
		Sources: []string{"rails/solid_queue#385", "rails/solid_queue#309", "rails/solid_queue#133"},
		Breaks:  []string{"I3", "I8"},
		Mutants: []Mutant{{
			Name: "outage-reaps", What: "A gap in the observation does not start the watch anew.",
			Changes: []Change{{"internal/engine/beats.go", "if !known || gap || sight.beat != process.Beat {", "if !known || gap && sight.since.IsZero() || sight.beat != process.Beat {"}},
			Killer:  Test{"internal/engine", "TestObservedDeath/a gap in observation starts over"},
		}},
	},
	{
		Title:   "A worker that has lost its lease works on",
		Bug:     "The reservation has run out, another worker has the job, and the first one is not told: both act.",
		Sources: []string{"jbielick/faktory_worker_node#163", "bensheldon/good_job#989", "bensheldon/good_job#90"},
		Breaks:  []string{"I5"},
		Mutants: []Mutant{
			{
				Name: "no-self-fence", What: "Handlers go on when no heartbeat has been accepted for too long.",
				Changes: []Change{{"internal/engine/fence.go", "\tcase performing:\n\t\th.ctx.end(ErrLeaseLost)\n", "\tcase performing:\n"}},
				Killer:  Test{".", "TestProcessThatMayHaveLostItsLeaseStopsItself"},
			},
			{
				Hole: true, Name: "lease-from-reply", What: "The lease is counted from the answer to a heartbeat, not from its sending: others count from earlier.",
				Changes: []Change{{"internal/engine/heartbeat.go", "h.beatSent.Store(int64(sent))", "h.beatSent.Store(int64(max(sent, time.Since(h.startedAt))))"}},
				Killer:  Test{".", "TestLeaseIsCountedFromTheSending"},
			},
		},
	},
	{
		Title:   "A process that was taken off the list works on",
		Bug:     "A pruned process keeps polling under its old registration, so nobody looks after what it claims; or a scheduler lives without being registered at all.",
		Sources: []string{"rails/solid_queue#763", "rails/solid_queue#778"},
		Breaks:  []string{"I5", "I6"},
		Mutants: []Mutant{{
			Name: "unregistered-zombie", What: "A process that hears of its own death does not join again.",
			Changes: []Change{{"internal/engine/heartbeat.go", "\tcase errors.Is(err, store.ErrProcessGone):\n\t\tif err := h.rejoin(ctx); err != nil {\n\t\t\treturn h.atMostABeat(h.rejoining.met(h.log, \"join under a new id\", err))\n\t\t}\n", "\tcase errors.Is(err, store.ErrProcessGone):\n"}},
			Killer:  Test{".", "TestProcessThatWasDeclaredDeadJoinsAgain"},
		}},
	},
	{
		Title:   "A name instead of an incarnation",
		Bug:     "A process is known by its host, its node name or its number. A restarted one takes the orphans of its predecessor for its own; several on one host take each other for themselves.",
		Sources: []string{"oban-bg/oban#862", "oban-bg/oban-py#32", "dbos-inc/dbos-transact-java#491"},
		Breaks:  []string{"I3", "I6"},
		Mutants: []Mutant{{
			Name: "process-by-pid", What: "The id of a process is the number that the operating system gave it.",
			Changes: []Change{{"internal/engine/engine.go", "ID: d.id(), State: e.state(),", "ID: int64(os.Getpid()), State: e.state(),"}},
			Killer:  Test{".", "TestProcessThatWasDeclaredDeadJoinsAgain"},
		}},
	},
	{
		Title:   "Leaving takes the jobs of others along",
		Bug:     "One of two workers in a process shuts down and puts back what the other is still performing.",
		Sources: []string{"sidekiq/sidekiq#6379", "sidekiq/sidekiq#4112", "sidekiq/sidekiq#4611"},
		Breaks:  []string{"I3"},
		Mutants: []Mutant{
			{
				Name: "leave-releases-all-sqlite", What: "Leaving releases every claim in the store.",
				Changes: []Change{{"sqlite/write.sql", "WHERE c.process_id = ?1 ORDER BY c.job_id;", "WHERE ?1 IS NOT NULL ORDER BY c.job_id;"}},
				Killer:  inFile("liveness/Leave releases the claims"),
			},
			{
				Name: "leave-releases-all-postgres", What: "The same.",
				Changes: []Change{{"postgres/write.sql", "SELECT job_id, token FROM later.claimed WHERE process_id = $1 FOR UPDATE SKIP LOCKED;", "SELECT job_id, token FROM later.claimed WHERE $1::bigint IS NOT NULL FOR UPDATE SKIP LOCKED;"}},
				Killer:  onPostgres("liveness/Leave releases the claims"),
			},
		},
	},
	{
		Title:   "The planner claims more than was asked",
		Bug:     "UPDATE … WHERE id IN (SELECT … LIMIT n FOR UPDATE SKIP LOCKED): with some statistics the planner chooses a nested loop and evaluates the inner query again for each row. Every time it skips what is locked and finds n others.",
		Sources: []string{"oban-bg/oban#4", "QueueClassic/queue_classic#320", "saurabhnanda/odd-jobs#115"},
		Breaks:  []string{"I14", "I16"},
		Mutants: []Mutant{{
			Name: "limit-evaluated-again-postgres", What: "A claim deletes what an inner query with LIMIT and SKIP LOCKED finds, without keeping its answer in a MATERIALIZED term.",
			Changes: []Change{{"postgres/write.sql", `), taken AS MATERIALIZED (
  SELECT r.* FROM share AS s JOIN lane AS l ON l.number = s.number CROSS JOIN LATERAL (
    SELECT r.ctid AS place FROM later.ready AS r
    WHERE r.suspect = $8 AND r.queue = l.queue AND r.priority = l.priority AND r.position >= l.hint AND r.type = ANY ($7::text[])
    ORDER BY r.position LIMIT s.jobs FOR UPDATE SKIP LOCKED) AS r
), gone AS (
  DELETE FROM later.ready WHERE ctid = ANY (ARRAY (SELECT place FROM taken))
  RETURNING job_id, position, priority, attempt, crashes, queue, type
`, `), gone AS (
  DELETE FROM later.ready AS t USING share AS s JOIN lane AS l ON l.number = s.number
  WHERE t.suspect = $8 AND t.queue = l.queue AND t.priority = l.priority AND t.ctid IN (
    SELECT r.ctid FROM later.ready AS r
    WHERE r.suspect = $8 AND r.queue = l.queue AND r.priority = l.priority AND r.position >= l.hint AND r.type = ANY ($7::text[])
    ORDER BY r.position LIMIT s.jobs FOR UPDATE SKIP LOCKED)
  RETURNING t.job_id, t.position, t.priority, t.attempt, t.crashes, t.queue, t.type
`}},
			Killer: onPostgres("claim/limits per queue"),
		}},
	},
	{
		Title:   "Nobody locks what he takes",
		Bug:     "Two workers read the same row as free, and both take it: the lock comes after the look, or in a step of its own.",
		Sources: []string{"OptimalBits/bull#356", "OptimalBits/bull#359", "OptimalBits/bull#258"},
		Breaks:  []string{"I3"},
		Mutants: []Mutant{
			{
				Name: "claim-without-lock-postgres", What: "Claims read the front of a line without a lock, and hand out what they have read, not what they have deleted.",
				Changes: []Change{
					{"postgres/write.sql", "SELECT r.ctid AS place FROM later.ready AS r", "SELECT r.ctid AS place, r.* FROM later.ready AS r"},
					{"postgres/write.sql", "ORDER BY r.position LIMIT s.jobs FOR UPDATE SKIP LOCKED) AS r\n", "ORDER BY r.position LIMIT s.jobs) AS r\n"},
					{"postgres/write.sql", "t.attempt, t.crashes, t.queue, t.type FROM gone AS t\n)", "t.attempt, t.crashes, t.queue, t.type FROM taken AS t\n)"},
					{"postgres/write.sql", "FROM gone AS t LEFT JOIN", "FROM taken AS t LEFT JOIN"},
				},
				Killer: Test{"postgres", "TestStoresClaimApart"},
			},
			{
				Hole: true, Name: "claims-wait-for-each-other-postgres", What: "Claims read the front of a line without FOR UPDATE SKIP LOCKED: only one at a time gets anything, the others wait and go away empty.",
				Changes: []Change{{"postgres/write.sql", "ORDER BY r.position LIMIT s.jobs FOR UPDATE SKIP LOCKED) AS r\n", "ORDER BY r.position LIMIT s.jobs) AS r\n"}},
				Killer:  Test{"postgres", "TestClaimPassesLockedJobs"},
			},
		},
	},
	{
		Title:   "A number that is given out twice",
		Bug:     "The number of an attempt is raised by a claim and lowered again by a graceful stop, so it cannot tell two claims apart. Neither can any counter that goes back with its database, at a restore from a backup or a fail-over to a standby that lags.",
		Sources: []string{"riverqueue/river#1290"},
		Breaks:  []string{"I3", "I28"},
		Mutants: []Mutant{{
			Hole: true, Name: "token-by-counter", What: "The token of a claim counts what the process has seen, instead of being drawn at random.",
			Changes: []Change{{"internal/engine/producer.go", "Token: p.dice.id(), Types: p.names}", "Token: int64(p.wakes), Types: p.names}"}},
			Killer:  Test{".", "TestTokensNeverReturn"},
		}},
	},
	{
		Title:   "A beat as slow as the patience for it",
		Bug:     "The interval of the heartbeat equals the time after which a silent worker is given up: a healthy one is retried.",
		Sources: []string{"janbjorge/pgqueuer#431"},
		Breaks:  []string{"I3"},
		Mutants: []Mutant{{
			Name: "slow-heartbeat", What: "A heartbeat as long as the time-to-die is allowed.",
			Changes: []Change{{"config.go", "if filled.Heartbeat > filled.TimeToDie/3 {", "if filled.Heartbeat > filled.TimeToDie {"}},
			Killer:  Test{".", "TestMistakesInConfigAreAllReported"},
		}},
	},
}}
