package main

var stopping = Room{"Poison, shutdown, memory, cancellation", []Exhibit{
	{
		Title:   "A job that kills its worker runs for ever",
		Bug:     "The job brings its process down, is taken back, and brings the next one down: 54 rounds in one report, 17 hours in another.",
		Sources: []string{"sidekiq/sidekiq#4069", "contribsys/faktory#99", "vectorize-io/hindsight#2675", "activepieces/activepieces#15130"},
		Breaks:  []string{"I9"},
		Mutants: []Mutant{
			{
				Name: "crash-not-counted-sqlite", What: "Recovery does not count crashes.",
				Changes: []Change{{"sqlite/recover.go", "\tclaim.crashes++\n", ""}},
				Killer:  inFile("recover/a job that crashes too many processes fails"),
			},
			{
				Name: "crash-not-counted-postgres", What: "The same.",
				Changes: []Change{{"postgres/write.sql", "attempt, crashes + 1 AS crashes, queue, type, cancel_reason,", "attempt, crashes, queue, type, cancel_reason,"}},
				Killer:  onPostgres("recover/a job that crashes too many processes fails"),
			},
			{
				Name: "suspects-in-company", What: "A job that processes have died with is performed beside others, which it takes along.",
				Changes: []Change{{"internal/engine/suspects.go", "\tif p.inHand() > 0 {\n", "\tif p.inHand() > 0 && p.turn.served {\n"}},
				Killer:  Test{".", "TestSuspectsArePutOffByLongJobs"},
			},
		},
	},
	{
		Title:   "A deploy burns attempts",
		Bug:     "A job that a restart interrupts has used up one of its attempts; with a single one it is dead.",
		Sources: []string{"hibiken/asynq#1015"},
		Breaks:  []string{"I8"},
		Mutants: []Mutant{
			{
				Name: "stop-burns-attempt", What: "A job that a stop interrupts has failed.",
				Changes: []Change{{"internal/engine/outcome.go", "case errors.Is(a.cause, ErrStopping), errors.Is(a.cause, ErrLeaseLost), errors.Is(a.err, ErrLeaseLost):", "case errors.Is(a.cause, ErrLeaseLost):"}},
				Killer:  Test{".", "TestStopCancelsWithoutBurningAttempts"},
			},
			{
				Name: "release-burns-attempt-sqlite", What: "A release counts as an attempt.",
				Changes: []Change{{"sqlite/finish.go", "if o.Kind != store.Postpone && o.Kind != store.Release && !progressed {", "if o.Kind != store.Postpone && !progressed {"}},
				Killer:  inFile("finish/Release leads to pending, untouched"),
			},
			{
				Name: "release-burns-attempt-postgres", What: "The same.",
				Changes: []Change{{"postgres/write.sql", "CASE WHEN o.kind IN (3, 6, 7) THEN c.attempt ELSE c.attempt + 1 END AS attempt,", "CASE WHEN o.kind IN (3, 7) THEN c.attempt ELSE c.attempt + 1 END AS attempt,"}},
				Killer:  onPostgres("finish/Release leads to pending, untouched"),
			},
		},
	},
	{
		Title:   "A panic at shutdown",
		Bug:     "A handler that ends late sends its outcome on a channel that the shutdown has closed.",
		Sources: []string{"riverqueue/river#400", "riverqueue/river#401"},
		Breaks:  []string{"I27"},
		Mutants: []Mutant{{
			Name: "send-on-closed-channel", What: "Stop closes the channel of the outcomes, and a late handler sends on it.",
			Changes: []Change{{"internal/engine/stop.go", "\te.completed.Wait()\n", "\te.completed.Wait()\n\tclose(e.outcomes)\n"}, {"internal/engine/executor.go", "\tif e.verbs.Err() == nil {\n\t\tselect {\n\t\tcase e.outcomes <- c:\n\t\tcase <-e.verbs.Done():\n\t\t}\n\t}\n", "\te.outcomes <- c\n"}},
			Killer:  Test{".", "TestStopAbandonsWhatDoesNotEnd"},
		}},
	},
	{
		Title:   "Stop never returns",
		Bug:     "Stop waits for a handler that does not end, or for a database that does not answer.",
		Sources: []string{"riverqueue/river#78", "margince/margince#444"},
		Breaks:  []string{"I27"},
		Mutants: []Mutant{
			{
				Name: "stop-waits-for-handlers", What: "Stop waits a day for handlers that do not end.",
				Changes: []Change{{"internal/engine/stop.go", "afterHard := e.await(e.cfg.HardStop)", "afterHard := e.await(24 * time.Hour)"}},
				Killer:  Test{".", "TestStopAbandonsWhatDoesNotEnd"},
			},
			{
				Name: "stop-waits-for-store", What: "Stop waits a day for a store that does not answer.",
				Changes: []Change{{"internal/engine/stop.go", "const lastWords = 900 * time.Millisecond", "const lastWords = 24 * time.Hour"}},
				Killer:  Test{".", "TestStopReturnsThoughTheStoreHangs"},
			},
		},
	},
	{
		Title:   "What a job began does not end with it",
		Bug:     "Contexts are not cancelled when their job is over, timers and generators are made for each job and kept: memory grows with every job.",
		Sources: []string{"riverqueue/river#239", "riverqueue/river#240", "riverqueue/river#243", "hibiken/asynq#913", "taskforcesh/bullmq#282"},
		Breaks:  []string{"I26"},
		Mutants: []Mutant{{
			Hole: true, Name: "context-outlives-job", What: "The context of an attempt is not cancelled at its end.",
			Changes: []Change{{"internal/engine/executor.go", "\t\th.ctx.end(nil)\n", ""}},
			Killer:  Test{".", "TestContextEndsWithTheAttempt"},
		}},
	},
	{
		Title:   "A cancellation that is only a notification",
		Bug:     "Cancelling a running job sends a notification. Where that is lost, or clients poll, the handler is never told.",
		Sources: []string{"riverqueue/river#1245", "activepieces/activepieces#15130"},
		Breaks:  []string{"I18"},
		Mutants: []Mutant{
			{
				Name: "cancel-by-notification", What: "The engine does not look at the requests that heartbeats bring.",
				Changes: []Change{{"internal/engine/heartbeat.go", "\t\th.cancel(beaten.Cancels)\n", ""}},
				Killer:  Test{".", "TestCancelFromElsewhereArrives"},
			},
			{
				Name: "cancel-not-in-heartbeat-sqlite", What: "Heartbeats do not bring the requests.",
				Changes: []Change{{"sqlite/liveness.go", "if c.cancel.Valid {", "if c.cancel.Valid && s == nil {"}},
				Killer:  inFile("liveness/Beat returns cancel requests"),
			},
			{
				Name: "cancel-not-in-heartbeat-postgres", What: "The same.",
				Changes: []Change{{"postgres/liveness.go", "if c.reason.Valid {", "if c.reason.Valid && beaten == nil {"}},
				Killer:  onPostgres("liveness/Beat returns cancel requests"),
			},
			{
				Name: "cancel-is-retried-sqlite", What: "A job that was asked to stop and fails is retried.",
				Changes: []Change{{"sqlite/finish.go", "if claim.cancel.Valid {", "if claim.cancel.Valid && o.Kind != store.Retry {"}},
				Killer:  inFile("cancel/every outcome of a job asked to stop leads to cancelled"),
			},
		},
	},
}}
