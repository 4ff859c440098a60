package main

var database = Room{"The database and the network", []Exhibit{
	{
		Title:   "LISTEN is dead, and nobody notices",
		Bug:     "After an outage, or behind a pooler, notifications no longer arrive. Where they are the only wake-up nothing happens; where they are not, everything is as slow as the polling, for ever.",
		Sources: []string{"graphile/worker#541", "bensheldon/good_job#303", "riverqueue/river#1153"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{
			{
				Hole: true, Name: "listen-once-postgres", What: "A connection for messages that has broken is not opened again.",
				Changes: []Change{{"postgres/messenger.go", "\t\tcase t.talked:\n\t\t\tpause = firstPause\n", "\t\tcase t.talked:\n\t\t\treturn\n"}},
				Killer:  Test{"postgres", "TestMessagesArriveAgainAfterACut"},
			},
			{
				Name: "no-polling", What: "Only notifications make the engine look for work.",
				Changes: []Change{{"internal/engine/producer.go", "\t\tp.wakes++\n\t\tp.lookForSuspects = true\n", "\t\tp.lookForSuspects = true\n"}},
				Killer:  Test{"postgres", "TestMessagesDoNotArrive"},
			},
		},
	},
	{
		Title:   "Pooled connections break prepared statements",
		Bug:     "Behind a pooler in transaction mode every statement may go over another connection, where what was prepared, set or locked is not.",
		Sources: []string{"riverqueue/river#1153", "oban-bg/oban#1488"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{{
			Name: "pooler-unnoticed-postgres", What: "A pooler is not noticed.",
			Changes: []Change{{"postgres/link.go", "return pid != conn.PgConn().PID(), err", "return pid != pid, err"}},
			Killer:  Test{"postgres", "TestQueueThroughBouncer"},
		}},
	},
	{
		Title:   "Deadlocks and lock timeouts become errors",
		Bug:     "Statements of several processes meet; the database rolls one back and says that it may be tried again. Nobody does.",
		Sources: []string{"oban-bg/oban#168", "oban-bg/oban#1030"},
		Breaks:  []string{"I6"},
		Mutants: []Mutant{{
			Name: "no-second-try-postgres", What: "What the server has rolled back is not tried again.",
			Changes: []Change{{"postgres/errors.go", "return rolledBack(failure.Code) || starting(failure.Code)", "return starting(failure.Code)"}},
			Killer:  Test{"postgres", "TestLocksOfOthers"},
		}},
	},
	{
		Title:   "Heartbeats wait for the connections of handlers",
		Bug:     "Handlers take every connection of the pool. The heartbeat gets none, and a healthy process is taken for dead.",
		Sources: []string{"oban-bg/oban#364"},
		Breaks:  []string{"I3", "I6"},
		Mutants: []Mutant{{
			Hole: true, Name: "heartbeat-on-shared-pool-postgres", What: "Heartbeats go through the pool that handlers use.",
			Changes: []Change{{"postgres/liveness.go", "\treturn s.classify(ctx, s.beat.use(ctx, fn))\n", "\tpooled, err := s.pool.Acquire(ctx)\n\tif err != nil {\n\t\treturn s.classify(ctx, err)\n\t}\n\tdefer pooled.Release()\n\treturn s.classify(ctx, fn(ctx, pooled.Conn()))\n"}},
			Killer:  Test{"postgres", "TestHeartbeatsNeedNoPool"},
		}},
	},
	{
		Title:   "A table that a crash empties",
		Bug:     "The table of leaders or processes is UNLOGGED. A crash of the server empties it: everybody looks dead, or two think that they lead.",
		Sources: []string{"riverqueue/river: river_leader", "oban-bg/oban: oban_peers"},
		Breaks:  []string{"I3", "I8"},
		Mutants: []Mutant{{
			Hole: true, Name: "unlogged-processes-postgres", What: "The table of processes is UNLOGGED.",
			Changes: []Change{{"postgres/migrations/0001.up.sql", "CREATE TABLE later.process (", "CREATE UNLOGGED TABLE later.process ("}},
			Killer:  Test{"postgres", "TestCrashOfTheServerKillsNoProcess"},
		}},
	},
	{
		Title:   "A busy file",
		Bug:     "SQLite answers SQLITE_BUSY at once while another process writes. A heartbeat fails, and the process is pruned.",
		Sources: []string{"rails/solid_queue#385", "rails/solid_queue#309"},
		Breaks:  []string{"I3", "I6"},
		Mutants: []Mutant{{
			Name: "no-busy-timeout-sqlite", What: "The writer does not wait for other writers of the file.",
			Changes: []Change{{"sqlite/open.go", "setBusyTimeout(busyTurn)", "setBusyTimeout(0)"}, {"sqlite/writer.go", "full: true, patience: busyTimeout,", "full: true, patience: 0,"}},
			Killer:  Test{"sqlite", "TestWaitsForOtherWriters"},
		}},
	},
	{
		Title:   "A version of SQLite that corrupts files",
		Bug:     "Versions before 3.51.3 may lose committed pages when several connections write and checkpoint at once (the WAL-reset bug).",
		Sources: []string{"benbjohnson/litestream#1432", "tursodatabase/libsql#2271"},
		Breaks:  []string{"I1"},
		Mutants: []Mutant{{
			Name: "any-version-sqlite", What: "Any version will do.",
			Changes: []Change{{"sqlite/gate.go", "\tif v.before(oldest) {", "\tif v.before(version{3, 7, 0}) {"}},
			Killer:  Test{"sqlite", "TestVersionsOfSQLite"},
		}},
	},
	{
		Title:   "The clocks of the machines decide",
		Bug:     "Due times are compared with the clock of whoever looks. Where that is wrong, jobs are delivered early or late.",
		Sources: []string{"Particular/NServiceBus.SqlServer#463", "quartznet/quartznet#435"},
		Breaks:  []string{"I10", "I28"},
		Mutants: []Mutant{{
			Name: "program-clock-postgres", What: "The time of the database is not asked for; the machine's own is taken.",
			Changes: []Change{{"postgres/clock.go", "return c.heard.Add(time.Since(c.at))", "return c.heard.Add(time.Since(c.at)).Add(time.Until(c.heard))"}},
			Killer:  Test{"postgres", "TestClock"},
		}},
	},
	{
		Title:   "A flood of the same line",
		Bug:     "While the database is away every try writes a line: 30,000 in 20 seconds.",
		Sources: []string{"graphile/worker#224"},
		Breaks:  []string{"I26"},
		Mutants: []Mutant{{
			Name: "log-flood", What: "Every failed try is logged.",
			Changes: []Change{{"internal/engine/trouble.go", "if now.Sub(t.said) >= sayAgain {", "if now.Sub(t.said) >= 0 {"}},
			Killer:  Test{"internal/engine", "TestTroubleIsToldOnceAMinute"},
		}},
	},
	{
		Title:   "A start that failed goes on by halves",
		Bug:     "Start returns an error, and yet some of its parts run, or the object says that it is running and cannot be started again.",
		Sources: []string{"timgit/pg-boss#793", "timgit/pg-boss#631", "riverqueue/river#1187"},
		Breaks:  []string{"I26", "I27"},
		Mutants: []Mutant{{
			Hole: true, Name: "half-started", What: "A start that cannot join leaves its listener running.",
			Changes: []Change{{"internal/engine/engine.go", "\tif err := e.join(ctx, e.newDice()); err != nil {\n\t\te.endLoops()\n\t\treturn err\n\t}\n\te.fence", "\tif err := e.join(ctx, e.newDice()); err != nil {\n\t\treturn err\n\t}\n\te.fence"}},
			Killer:  Test{".", "TestFailedStartLeavesNothingBehind"},
		}},
	},
}}
