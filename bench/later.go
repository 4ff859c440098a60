package main

import (
	"context"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// laterOn is later over one of its stores, with its default settings.
type laterOn struct {
	label    string
	makeRoom func(ctx context.Context, db *server) (place, error)
	connect  func(ctx context.Context, address string) (store.Store, error)
}

func onPostgres() system {
	return laterOn{
		label: "later",
		makeRoom: func(ctx context.Context, db *server) (place, error) {
			database, err := db.createDatabase(ctx, "bench_later")
			return database, err
		},
		connect: func(ctx context.Context, address string) (store.Store, error) {
			return postgres.Open(ctx, address)
		},
	}
}

func onSQLite() system {
	return laterOn{
		label:    "later-sqlite",
		makeRoom: func(context.Context, *server) (place, error) { return createFile("jobs.db") },
		connect:  func(_ context.Context, address string) (store.Store, error) { return sqlite.Open(address) },
	}
}

func (l laterOn) name() string   { return l.label }
func (laterOn) version() string  { return "later, this tree" }
func (laterOn) settings() string { return "defaults" }

func (l laterOn) prepare(ctx context.Context, db *server) (place, error) {
	room, err := l.makeRoom(ctx, db)
	if err != nil {
		return nil, err
	}
	opened, err := l.connect(ctx, room.address()) // makes the tables
	if err != nil {
		return nil, err
	}
	return room, opened.Close()
}

func (l laterOn) open(ctx context.Context, address string) (session, error) {
	opened, err := l.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	return &laterSession{store: opened, queue: laterQueue(opened)}, nil
}

func laterQueue(s store.Store) *later.JobQueue {
	return later.New(s, later.Config{Logger: warnings()})
}

type laterSession struct {
	store store.Store
	queue *later.JobQueue
}

type laterArgs struct {
	N int64 `json:"n"`
}

var laterNoop = later.Define[laterArgs]("NoopJob")

func (s *laterSession) enqueue(ctx context.Context, n int64) error {
	_, err := laterNoop.PerformLater(ctx, s.queue, laterArgs{n})
	return err
}

// enqueueMany returns the ids in any case.
func (s *laterSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	calls := make([]later.Call, len(ns))
	for i, n := range ns {
		calls[i] = laterNoop.With(laterArgs{n})
	}
	_, err := s.queue.EnqueueAll(ctx, calls...)
	return err
}

func (s *laterSession) enqueueIn(ctx context.Context, queue string, ns []int64) error {
	return s.enqueueWith(ctx, ns, later.Queue(queue))
}

func (s *laterSession) enqueueAt(ctx context.Context, at time.Time, ns []int64) error {
	return s.enqueueWith(ctx, ns, later.At(at))
}

func (s *laterSession) enqueueWith(ctx context.Context, ns []int64, option later.CallOption) error {
	calls := make([]later.Call, len(ns))
	for i, n := range ns {
		calls[i] = laterNoop.With(laterArgs{n}, option)
	}
	_, err := s.queue.EnqueueAll(ctx, calls...)
	return err
}

func (s *laterSession) start(ctx context.Context, events events) error {
	if events.claimed != nil {
		s.queue = laterQueue(timeClaims(s.store, events.claimed))
	}
	s.queue.Register(laterNoop.Do(func(_ context.Context, args laterArgs) error {
		events.performed(args.N)
		return nil
	}))
	return s.queue.Start(ctx)
}

// timeClaims leaves a store the clock of its own that it may have.
func timeClaims(s store.Store, claimed func(time.Duration, int)) store.Store {
	timer := claimTimer{s, claimed}
	if clock, ok := s.(store.Clock); ok {
		return struct {
			claimTimer
			store.Clock
		}{timer, clock}
	}
	return timer
}

// claimTimer reports the claims that found jobs.
type claimTimer struct {
	store.Store
	claimed func(took time.Duration, jobs int)
}

func (t claimTimer) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	began := time.Now()
	jobs, err := t.Store.Claim(ctx, d, now)
	if len(jobs) > 0 {
		t.claimed(time.Since(began), len(jobs))
	}
	return jobs, err
}

func (s *laterSession) stop(ctx context.Context) error {
	_, err := s.queue.Stop(ctx)
	return err
}

func (s *laterSession) unfinished(ctx context.Context) (bool, error) {
	stats, err := s.queue.Stats(ctx)
	if err != nil {
		return false, err
	}
	for status, count := range stats.Counts {
		if count > 0 && !status.Finished() {
			return true, nil
		}
	}
	return false, nil
}

func (s *laterSession) close() { _ = s.store.Close() }
