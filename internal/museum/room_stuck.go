package main

var stuck = Room{"Work that is stuck", []Exhibit{
	{
		Title:   "The reply of a claim is lost",
		Bug:     "The store says that a worker has the job, the worker has never heard of it, and its heartbeat keeps everybody from taking it back.",
		Sources: []string{"oban-bg/oban#364", "riverqueue/river#1258"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{
			{
				Name: "no-reconciliation", What: "Heartbeats do not give back claims that the process does not know.",
				Changes: []Change{{"internal/engine/heartbeat.go", "\t\tif h.strangers[key] {\n", "\t\tif h.strangers[key] && false {\n"}},
				Killer:  Test{".", "TestClaimWhoseReplyIsLost"},
			},
			{
				Name: "no-search-after-lost-reply", What: "A claim that has failed is no reason to search for what it may have claimed.",
				Changes: []Change{{"internal/engine/producer.go", "\t\tp.losses++ // what it has claimed is not known\n", ""}},
				Killer:  Test{".", "TestClaimWhoseReplyIsLost"},
			},
			{
				Name: "no-search-without-reason", What: "Heartbeats search for such claims only where the process knows a reason.",
				Changes: []Change{{"internal/engine/search.go", "s.clean < cleanSearches || s.beats >= searchEvery-1", "s.clean < cleanSearches"}},
				Killer:  Test{".", "TestClaimThatNobodyHasThoughtOf"},
			},
		},
	},
	{
		Title:   "Orphans are made once, at an event",
		Bug:     "Jobs are taken back when a worker's registration or lease ends. A claim that commits a moment later, or a job that never had a lease, belongs to nobody, and no sweep ever sees it.",
		Sources: []string{"rails/solid_queue#455", "hibiken/asynq#1158", "hibiken/asynq#1144"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{
			{
				Name: "reap-once-sqlite", What: "Only processes that are declared dead now have their jobs taken back.",
				Changes: []Change{{"sqlite/recover.go", "\towners, err := s.list(\"strangers\")\n\tif err != nil {\n\t\treturn err\n\t}\n\tvar m moves\n", "\towners := slices.Clone(c.dead)\n\tvar m moves\n"}},
				Killer:  inFile("recover/claims of a process that nobody knows are taken back"),
			},
			{
				Name: "reap-once-postgres", What: "Nobody looks for such claims while no process dies.",
				Changes: []Change{{"postgres/recover.go", "s.strangersAbout(ctx); err != nil || !found {", "s.strangersAbout(ctx); err != nil || found || !found {"}},
				Killer:  onPostgres("recover/claims of a process that nobody knows are taken back"),
			},
		},
	},
	{
		Title:   "One bad row stops all queues",
		Bug:     "A statement that moves many jobs fails for one of them, and so it fails for all, again and again.",
		Sources: []string{"oban-bg/oban#1416", "rails/solid_queue#699"},
		Breaks:  []string{"I17"},
		Mutants: []Mutant{
			{
				Hole: true, Name: "bulk-all-or-nothing-sqlite", What: "When a batch of calls fails, none of them is tried alone.",
				Changes: []Change{{"sqlite/writer.go", "if err != nil && len(batch) > 1 && !w.allFail(err) {", "if err != nil && len(batch) < 1 && !w.allFail(err) {"}},
				Killer:  Test{"sqlite", "TestOneBadCallStopsNoOther"},
			},
			{
				Hole: true, Name: "bulk-all-or-nothing-postgres", What: "The same.",
				Changes: []Change{{"postgres/writer.go", "return errors.As(err, &failure) && !harmless(err)", "return errors.As(err, &failure) && false"}},
				Killer:  Test{"postgres", "TestOneBadCallStopsNoOther"},
			},
			{
				Hole: true, Name: "bulk-all-or-nothing-engine", What: "An outcome that the store refuses takes those of its batch along.",
				Changes: []Change{{"internal/engine/completer.go", "\tif len(batch) > 1 {\n", "\tif len(batch) > 1 {\n\t\tif refusal != nil {\n\t\t\treturn make([]store.Verdict, len(batch))\n\t\t}\n"}},
				Killer:  Test{".", "TestOneBadOutcomeStopsNoOther"},
			},
			{
				Name: "promotion-meets-bad-row-postgres", What: "Promotion computes with the due time of every job, and fails for one that is due at -infinity.",
				Changes: []Change{
					{"postgres/write.sql", "WHERE run_at <= $1 AND run_at >= $3 AND run_at > '-infinity' ORDER BY", "WHERE run_at <= $1 AND (run_at >= $3 OR NOT isfinite(run_at)) AND extract(epoch FROM run_at)::numeric::bigint IS NOT NULL ORDER BY"},
				},
				Killer: Test{"postgres", "TestRowsThatSomebodyBroke/due for ever"},
			},
		},
	},
	{
		Title:   "Ids that no longer fit",
		Bug:     "A parameter is cast to a 32-bit integer. When the ids pass 2³¹, jobs cannot be released any more and stay locked for hours.",
		Sources: []string{"graphile/worker#617", "graphile/worker#611"},
		Breaks:  []string{"I6", "I24"},
		Mutants: []Mutant{{
			Name: "int-ids-postgres", What: "The ids of outcomes are taken as 32-bit integers.",
			Changes: []Change{{"postgres/write.sql", "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[]", "SELECT * FROM unnest($1::bigint[]::int[], $2::bigint[], $3::smallint[]"}},
			Killer:  onPostgres("limits/ids beyond 32 bits"),
		}},
	},
	{
		Title:   "A worker never comes back after an outage",
		Bug:     "After a long outage the worker is alive but polls no more, or waits longer with every try.",
		Sources: []string{"graphile/worker#185", "timgit/pg-boss#510", "element-hq/matrix-authentication-service#2625"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{
			{
				Name: "endless-backoff", What: "The waits between tries grow without a bound.",
				Changes: []Change{{"internal/engine/trouble.go", "t.wait = min(2*t.wait, longestWait)", "t.wait = max(2*t.wait, longestWait)"}},
				Killer:  Test{"internal/engine", "TestTroubleIsToldOnceAMinute"},
			},
			{
				Hole: true, Name: "no-next-try", What: "After an error the producer waits for somebody to wake it.",
				Changes: []Change{{"internal/engine/producer.go", "\t\tif err != nil {\n\t\t\treturn p.trouble.met(p.log, \"claim jobs\", err)\n\t\t}\n\t\tif !again {", "\t\tif err != nil {\n\t\t\tp.trouble.met(p.log, \"claim jobs\", err)\n\t\t\treturn 24 * time.Hour\n\t\t}\n\t\tif !again {"}},
				Killer:  Test{".", "TestWorkResumesAfterAnOutage"},
			},
		},
	},
	{
		Title:   "A handler that ignores its cancellation",
		Bug:     "The handler hangs, its slot stays taken, and nothing says so.",
		Sources: []string{"Tencent/WeKnora#3462", "riverqueue/river#78", "riverqueue/river#1289"},
		Breaks:  []string{"I27"},
		Mutants: []Mutant{{
			Name: "silent-stuck-handler", What: "Stuck handlers are not reported.",
			Changes: []Change{{"internal/engine/stuck.go", "if now.Sub(h.ended) >= stuckAfter {", "if now.Sub(h.ended) >= stuckAfter && false {"}},
			Killer:  Test{".", "TestStuckHandlerIsReported"},
		}},
	},
}}
