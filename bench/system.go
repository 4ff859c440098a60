package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A system stores jobs and performs them. A new one needs a file with an
// implementation of this and of session, and a line in systems.
type system interface {
	name() string     // as in -systems
	version() string  // of the library
	settings() string // that differ from its defaults, for the report

	// prepare makes an empty place with the system's tables.
	prepare(ctx context.Context, db *server) (place, error)
	// open connects one process to the jobs at an address that place tells.
	open(ctx context.Context, address string) (session, error)
}

// A session is what one process does with its job system.
type session interface {
	// enqueue stores one job with the argument n.
	enqueue(ctx context.Context, n int64) error
	// enqueueMany stores jobs in one call, the fastest that the system has, or
	// the fastest that also returns the ids.
	enqueueMany(ctx context.Context, ns []int64, ids bool) error

	// start performs jobs in the background, by calling events, until stop.
	start(ctx context.Context, events events) error
	// stop returns when what was performed is stored.
	stop(ctx context.Context) error

	// unfinished reports whether jobs are stored that have not been performed.
	unfinished(ctx context.Context) (bool, error)
	close()
}

// measuresItself is what a session also is that lives in a process of another
// language: the way there would be measured, too.
type measuresItself interface {
	// storeFor enqueues one by one from some callers for a while, and returns how many.
	storeFor(ctx context.Context, callers int, span time.Duration) (int64, error)
	// delays performs jobs that it enqueues one every so often, and returns how long each
	// took from just before the enqueueing until its handler was called.
	delays(ctx context.Context, jobs int, every time.Duration) ([]time.Duration, error)
}

// worksApart is what a system also is whose worker process is not this program.
type worksApart interface {
	workerCommand(ctx context.Context, address string) *exec.Cmd
}

// events are called by many goroutines.
type events struct {
	performed func(n int64)                      // the handler of the job with the argument n
	claimed   func(took time.Duration, jobs int) // nil, or: the store handed over jobs
}

// systems are all that can be compared.
var systems = []system{
	onPostgres(), onSQLite(),
	bestRiver(), defaultRiver(), riverOnSQLite(),
	asynqOnRedis(), graphileWorker(), pgBoss(), bullMQ(),
	floorOnPostgres(), floorOnSQLite(),
} // and, with cgo, those of mattn.go

func pickSystems(names string) ([]system, error) {
	var picked []system
	for name := range strings.SplitSeq(names, ",") {
		s, err := findSystem(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		picked = append(picked, s)
	}
	return picked, nil
}

func findSystem(name string) (system, error) {
	i := slices.IndexFunc(systems, func(s system) bool { return s.name() == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no system %q: there are %s", name, systemNames())
	}
	return systems[i], nil
}

func systemNames() string {
	var names []string
	for _, s := range systems {
		names = append(names, s.name())
	}
	return strings.Join(names, ", ")
}

// warnings is the logger of the systems: what they warn of belongs to the result.
func warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
