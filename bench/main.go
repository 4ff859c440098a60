package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

type flags struct {
	systems, measure, url, output, markdown, work string
	options                                       options
}

func main() {
	f := readFlags()
	// SIGPIPE: whoever has read the figures is gone, and the servers must be stopped.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	run := compare
	if f.work != "" {
		run = workFor
	}
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func readFlags() (f flags) {
	flag.StringVar(&f.systems, "systems", "later,river", "what to compare, the first with the others: "+systemNames())
	flag.StringVar(&f.measure, "measure", "", "only measures whose names match this `regexp`: "+measureNames())
	flag.StringVar(&f.url, "url", "", "a PostgreSQL server that runs already, as postgres://…, by a user who may create databases")
	flag.StringVar(&f.output, "o", "", "also write everything to this JSON `file`")
	flag.StringVar(&f.markdown, "markdown", "", "also write the table to this `file`")
	flag.StringVar(&f.work, "work", "", "internal: be a worker process of this system")
	flag.IntVar(&f.options.Jobs, "jobs", 200_000, "jobs of bulk enqueues and drains")
	flag.IntVar(&f.options.Rounds, "rounds", 3, "how often to measure; the pinned horizon is measured once")
	flag.DurationVar(&f.options.OneByOne, "one-by-one", 5*time.Second, "how long to enqueue one by one")
	flag.DurationVar(&f.options.Latency, "latency", 20*time.Second, "how long to measure latency")
	flag.Float64Var(&f.options.Quiet, "quiet", 0, "before each cell wait, up to 10 minutes, until other programs use fewer `cores`; 0: do not wait")
	flag.IntVar(&f.options.Scheduled, "scheduled", 1_000_000, "jobs for next year, beside which others are drained")
	flag.IntVar(&f.options.PinRate, "pin-rate", 2_000, "jobs a second under a pinned horizon")
	minutes := flag.Float64("pin-minutes", 10, "how long to work under a pinned horizon")
	flag.Parse()
	f.options.Pinned = time.Duration(*minutes * float64(time.Minute))
	return f
}

func measureNames() (names string) {
	for i, m := range measures {
		if i > 0 {
			names += ", "
		}
		names += m.name
	}
	return names
}

// workFor is a worker process: its -url is the address of the cell's jobs.
func workFor(ctx context.Context, f flags) error {
	s, err := findSystem(f.work)
	if err != nil {
		return err
	}
	return work(ctx, s, f.url, os.Stdin, os.Stdout)
}

func compare(ctx context.Context, f flags) (err error) {
	picked, err := pickSystems(f.systems)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(f.measure)
	if err != nil {
		return err
	}
	r := &results{Machine: describeMachine() + ", " + runtime.Version(), Options: f.options}
	for _, s := range picked {
		r.names = append(r.names, s.name())
		r.Systems = append(r.Systems, about{s.name(), s.version(), s.settings()})
	}
	db, err := openServer(ctx, f.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop()) }()
	if r.Server, err = db.describe(ctx); err != nil {
		return err
	}
	err = measureAll(ctx, db, picked, only, r)
	if len(r.Cells) == 0 {
		return err
	}
	r.print(os.Stdout) // what there is, even if it did not go on
	if f.markdown != "" {
		err = errors.Join(err, r.writeMarkdown(f.markdown))
	}
	if f.output != "" {
		err = errors.Join(err, r.write(f.output))
	}
	return err
}

func openServer(ctx context.Context, url string) (*server, error) {
	if url != "" {
		return useServer(ctx, url)
	}
	return startServer(ctx)
}

func measureAll(ctx context.Context, db *server, picked []system, only *regexp.Regexp, r *results) error {
	for _, m := range measures {
		if !only.MatchString(m.name) {
			continue
		}
		rounds := r.Options.Rounds
		if m.once {
			rounds = 1
		}
		for round := range rounds {
			if err := measureRound(ctx, db, picked, m, round+1, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureRound lets the systems take turns.
func measureRound(ctx context.Context, db *server, picked []system, m measure, round int, r *results) error {
	for _, s := range picked {
		if err := awaitQuiet(ctx, db.process(), r.Options.Quiet); err != nil {
			return err
		}
		c := &cell{Measure: m.name, System: s.name(), Round: round, system: s, options: r.Options}
		err := measureCell(ctx, db, m, c)
		switch {
		case errors.Is(err, errSkip):
			continue
		case err != nil && ctx.Err() == nil && s.name() != picked[0].name(): // the others are still worth measuring
			fmt.Fprintf(os.Stderr, "%s, round %d, %s failed: %v\n", m.name, round, s.name(), err)
			r.Failures = append(r.Failures, fmt.Sprintf("%s of %s, round %d: %v", m.name, s.name(), round, firstLine(err)))
			continue
		case err != nil:
			return err
		}
		r.Cells = append(r.Cells, c)
		tellProgress(c)
	}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func tellProgress(c *cell) {
	fmt.Fprintf(os.Stderr, "%s, round %d, %s:", c.Measure, c.Round, c.System)
	for _, v := range c.Values {
		fmt.Fprintf(os.Stderr, "%s %s %s;", spaced(v.Name), number(v.Value), v.Unit)
	}
	fmt.Fprintf(os.Stderr, " steal %.2f\n", c.Steal)
	if c.Trouble != "" {
		fmt.Fprintf(os.Stderr, "%s, round %d, %s, afterwards: %s\n", c.Measure, c.Round, c.System, c.Trouble)
	}
}

func spaced(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

func cores() int { return runtime.NumCPU() }

// moduleVersion returns the version of a library in this program.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dependency := range info.Deps {
		if dependency.Path == path {
			return dependency.Version
		}
	}
	return "unknown"
}
