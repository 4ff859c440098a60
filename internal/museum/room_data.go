package main

var data = Room{"Data", []Exhibit{
	{
		Title:   "A NUL character in the arguments",
		Bug:     "JSON may hold \\u0000, which PostgreSQL's jsonb refuses. The message is accepted by the client and dropped, or its row is stuck.",
		Sources: []string{"kestra-io/kestra#15647", "hardbyte/awa#84", "hardbyte/awa#85", "osbuild/osbuild-composer#4779"},
		Breaks:  []string{"I24"},
		Mutants: []Mutant{{
			Name: "nul-in-arguments", What: "Arguments are not searched for NUL.",
			Changes: []Change{{"internal/arguments/encode.go", "\tcase hasNUL(raw):", "\tcase false && hasNUL(raw):"}},
			Killer:  Test{".", "TestBadInputIsRefused/NUL"},
		}},
	},
	{
		Title:   "An error text that no database takes",
		Bug:     "The text of an error is not valid UTF-8. Storing it fails, so the job never leaves its state.",
		Sources: []string{"rudderlabs/rudder-server#4724", "apache/devlake#5243"},
		Breaks:  []string{"I24"},
		Mutants: []Mutant{{
			Name: "raw-error-text", What: "Error texts are stored as they are.",
			Changes: []Change{{"internal/engine/outcome.go", "func sanitize(s string) string { return Printable(s, maxText) }", "func sanitize(s string) string { return s[:min(len(s), maxText)] }"}},
			Killer:  Test{"postgres", "TestHugeErrors"},
		}},
	},
	{
		Title:   "The attempt counter overflows",
		Bug:     "Attempts are counted in a small integer. A job that snoozes for long passes its limit, and no statement can move it any more.",
		Sources: []string{"riverqueue/river#720", "laravel/framework#24636", "laravel/framework#22194", "Koed00/django-q#255"},
		Breaks:  []string{"I6", "I24"},
		Mutants: []Mutant{{
			Name: "small-attempts-postgres", What: "The attempts of claimed jobs are counted in 16 bits.",
			Changes: []Change{{"postgres/migrations/0001.up.sql", "  attempt       integer NOT NULL,", "  attempt       smallint NOT NULL,"}},
			Killer:  onPostgres("limits/attempts beyond 16 bits"),
		}},
	},
	{
		Title:   "Large numbers are mangled",
		Bug:     "JSON passes through floating-point numbers on its way: 2⁵³+1 comes back as 2⁵³.",
		Sources: []string{"hibiken/asynq#166"},
		Breaks:  []string{"I24"},
		Mutants: []Mutant{
			{
				Name: "numbers-as-floats", What: "Arguments that are enqueued by name are decoded and encoded once more.",
				Changes: []Change{{"enqueue.go", "\targs = slices.Clone(args) // the caller", "\tvar decoded any\n\tif err := json.Unmarshal(args, &decoded); err == nil {\n\t\targs, _ = json.Marshal(decoded)\n\t}\n\targs = slices.Clone(args) // the caller"}},
				Killer:  Test{"cmd/later", "TestOutputForPrograms"},
			},
			{
				Name: "args-as-jsonb-postgres", What: "Arguments are kept as jsonb, which keeps no text byte for byte.",
				Changes: []Change{{"postgres/migrations/0001.up.sql", "  args         json NOT NULL,", "  args         jsonb NOT NULL,"}, {"postgres/write.sql", "args::json AS args", "args::jsonb AS args"}},
				Killer:  onPostgres("fidelity/arguments come back byte for byte"),
			},
		},
	},
	{
		Title:   "SQL in a name",
		Bug:     "The name of a schema or queue is pasted into statements.",
		Sources: []string{"BookBeat/knightbus#252", "NangoHQ/nango#6312"},
		Breaks:  []string{"I24", "I29"},
		Mutants: []Mutant{{
			Name: "name-in-sql-postgres", What: "The name of the schema is quoted without doubling its quotes.",
			Changes: []Change{{"postgres/queries.go", "name := pgx.Identifier{schema}.Sanitize() + \".\"", "name := strings.ReplaceAll(pgx.Identifier{schema}.Sanitize(), `\"\"`, `\"`) + \".\""}},
			Killer:  Test{"postgres", "TestNamesInStatements"},
		}},
	},
}}
