package main

var lost = Room{"Work that is lost", []Exhibit{
	{
		Title:   "Taken from the queue, and then only in memory",
		Bug:     "Fetching a job removes it from the queue before anything durable says who has it. A crash at that moment, or a failure during an outage of the store, loses the job.",
		Sources: []string{"sidekiq/sidekiq: lib/sidekiq/fetch.rb", "sidekiq/sidekiq#4141", "contribsys/faktory: manager/fetch.go"},
		Breaks:  []string{"I1", "I6"},
		Mutants: []Mutant{
			{
				Name: "fetch-in-memory-sqlite", What: "A claim takes jobs out of the line and does not record who has them.",
				Changes: []Change{{"sqlite/write.sql", "FROM json_each(?1) AS e JOIN later_ready AS r ON r.job_id = e.value WHERE true\n", "FROM json_each(?1) AS e JOIN later_ready AS r ON r.job_id = e.value WHERE false\n"}},
				Killer:  inFile("recover/a silent process is declared dead"),
			},
			{
				Name: "fetch-in-memory-postgres", What: "The same.",
				Changes: []Change{{"postgres/write.sql", "t.attempt, t.crashes, t.queue, t.type FROM gone AS t\n)", "t.attempt, t.crashes, t.queue, t.type FROM gone AS t WHERE false\n)"}},
				Killer:  onPostgres("recover/a silent process is declared dead"),
			},
		},
	},
	{
		Title:   "A killed worker makes its jobs failures",
		Bug:     "The jobs of a worker that was killed, or whose reservation ran out, are marked as failed for good although they had retries left.",
		Sources: []string{"rails/solid_queue#422", "rails/solid_queue#591", "contribsys/faktory#409"},
		Breaks:  []string{"I6", "I8"},
		Mutants: []Mutant{
			{
				Name: "crash-fails-sqlite", What: "Recovery fails a job after its first crash.",
				Changes: []Change{{"sqlite/recover.go", "case claim.crashes >= store.MaxCrashes:", "case claim.crashes >= 1:"}},
				Killer:  inFile("recover/a recovered job can be claimed and completed"),
			},
			{
				Name: "crash-fails-postgres", What: "The same.",
				Changes: []Change{{"postgres/write.sql", "WHEN crashes + 1 >= $2 THEN 2", "WHEN crashes + 1 >= least($2, 1) THEN 2"}},
				Killer:  onPostgres("recover/a recovered job can be claimed and completed"),
			},
		},
	},
	{
		Title:   "Acknowledged before it is durable",
		Bug:     "The caller is told that a message is stored before it is on the disk, or its outcome before the commit: a power cut or a crash at that moment takes it back.",
		Sources: []string{"nats-io/nats-server#7564"},
		Breaks:  []string{"I1"},
		Mutants: []Mutant{
			{
				Name: "ack-before-commit-sqlite", What: "Callers get their answer when the statements have run, before the commit.",
				Changes: []Change{
					{"sqlite/writer.go", "\tw.store.memory.Unlock()\n\tfor _, r := range batch {\n\t\tclose(r.done)\n\t}\n", "\tw.store.memory.Unlock()\n"},
					{"sqlite/writer.go", "\tif _, err := s.exec(\"COMMIT\"); err != nil {", "\tfor _, r := range batch {\n\t\tclose(r.done)\n\t}\n\tif _, err := s.exec(\"COMMIT\"); err != nil {"},
					{"sqlite/writer.go", "\tif len(busy) == 0 {\n", "\tif len(busy) == 0 {\n\t\tfor _, r := range batch {\n\t\t\tclose(r.done)\n\t\t}\n"},
				},
				Killer: Test{"sqlite", "TestAcknowledgedIsCommitted"},
			},
			{
				Hole: true, Name: "ack-before-sync-sqlite", What: "New jobs are committed with synchronous=NORMAL: not yet on the disk.",
				Changes: []Change{{"sqlite/enqueue.go", "rank: rankEnqueue, durable: true,", "rank: rankEnqueue,"}},
				Killer:  Test{"sqlite", "TestAcknowledgedIsSynced"},
			},
			{
				Hole: true, Name: "ack-before-sync-postgres", What: "New jobs are committed with synchronous_commit=off.",
				Changes: []Change{{"postgres/writer.go", "entries, durable = append(entries, p), true", "entries = append(entries, p)"}},
				Killer:  Test{"postgres", "TestAcknowledgedSurvivesAKill"},
			},
		},
	},
	{
		Title:   "A page full of rows that stay hides the others",
		Bug:     "A sweep reads a page of candidates; when it is full of rows that it must leave alone, it never comes to those behind them.",
		Sources: []string{"riverqueue/river#1318"},
		Breaks:  []string{"I6", "I17"},
		Mutants: []Mutant{
			{
				Name: "sweep-stops-at-page-sqlite", What: "Pruning stops at a page on which nothing is to be deleted.",
				Changes: []Change{{"sqlite/prune.go", "if over || seen < p.limit {", "if over || seen < p.limit || len(p.old) == 0 {"}},
				Killer:  inFile("prune/pages lead past jobs that stay"),
			},
			{
				Name: "sweep-stops-at-page-postgres", What: "The same.",
				Changes: []Change{{"postgres/prune.go", "if over || seen < p.limit {", "if over || seen < p.limit || len(p.old) == 0 {"}},
				Killer:  onPostgres("prune/pages lead past jobs that stay"),
			},
		},
	},
	{
		Title:   "The wake-up comes before the work can be seen",
		Bug:     "The one looks and sees nothing, the other signals and then commits: nobody looks again, and the job waits for ever.",
		Sources: []string{"rails/solid_queue#456"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{
			{
				Hole: true, Name: "lost-wakeup-engine", What: "A claim that comes back empty forgets the wake that came while it was on its way.",
				Changes: []Change{{"internal/engine/producer.go", "\t\t\tl.drained = wakes\n", "\t\t\tl.drained = p.wakes\n"}},
				Killer:  Test{".", "TestWakeWhileAClaimIsOnItsWay"},
			},
			{
				Name: "lost-wakeup-postgres", What: "A claim that exhausts a line forgets what was announced behind its back.",
				Changes: []Change{{"postgres/lanes.go", "if exhausted && p.noted == 0 {", "if exhausted {"}},
				Killer:  Test{"postgres", "TestAnnouncedMeanwhile"},
			},
			{
				Name: "hint-is-believed-postgres", What: "Claims that find work never look behind the remembered front of its line.",
				Changes: []Change{{"postgres/lanes.go", "return l.looks.until() <= 0 && (l.wanted || time.Since(l.looks.last) >= lookEvery)", "return l.looks.until() <= 0 && l.wanted"}},
				Killer:  Test{"postgres", "TestLateCommitIsFound/the line never ends"},
			},
			{
				Name: "empty-hint-is-believed-postgres", What: "A claim that knows of no line with jobs does not look for one.",
				Changes: []Change{{"postgres/claim.go", "\tif c.looked {\n\t\treturn false, nil\n\t}\n", "\tif c.looked || !c.lanes.due() {\n\t\treturn false, nil\n\t}\n"}, {"postgres/lanes.go", "return l.looks.until() <= 0 && (l.wanted || time.Since(l.looks.last) >= lookEvery)", "return l.looks.until() <= 0 && l.wanted"}},
				Killer:  Test{"postgres", "TestLateCommitIsFound/nothing else is in line"},
			},
		},
	},
}}
