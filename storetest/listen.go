package storetest

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

var listenChecks = []check{
	{"a job that is enqueued wakes", listenEnqueue},
	{"a job that is promoted wakes", listenPromote},
	{"a running job that is asked to stop wakes", listenCancel},
	{"a request to a process wakes", listenRequest},
	{"a job that is retried by a person wakes", listenRetry},
	{"a queue that is resumed wakes", listenResume},
	{"a job that finishes wakes", listenFinish},
	{"every listener wakes", listenEverywhere},
	{"a listener that does not read stops nobody", listenUnread},
	{"the channel closes when the context ends", listenEnds},
}

// soon bounds every wait of a check; a right store never uses it up.
var soon = 10 * time.Second

func (t *trial) listen() <-chan store.Wake {
	t.Helper()
	wakes, err := t.store.Listen(t.Context())
	t.must("Listen", err)
	return wakes
}

// awake waits for a wake that promises what wanted asks for. Other wakes may be
// late ones; they say nothing.
func (t *trial) awake(wakes <-chan store.Wake, wanted func(store.Wake) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		select {
		case wake, open := <-wakes:
			if !open {
				t.Fatal("the channel was closed before its context ended")
			}
			if wanted(wake) {
				return
			}
		case <-ctx.Done():
			t.Fatal("nothing woke the listener")
		}
	}
}

func forWork(w store.Wake) bool     { return w.Work }
func forCancels(w store.Wake) bool  { return w.Cancels }
func forFinished(w store.Wake) bool { return w.Finished }

func listenEnqueue(t *trial) {
	wakes := t.listen()
	for range 3 {
		t.enqueue(inQueue("a"))
		t.awake(wakes, forWork)
	}
	t.enqueue(inQueue("b"), inQueue("c"))
	t.awake(wakes, forWork)
}

func listenPromote(t *trial) {
	t.enqueue(dueIn(time.Hour))
	wakes := t.listen()
	t.promoteAll()
	t.awake(wakes, forWork)
}

// listenCancel: the request has to reach the process quickly, so the wake may
// not wait for its next beat.
func listenCancel(t *trial) {
	job := t.running(plain())
	wakes := t.listen()
	t.cancel(job.ID)
	t.awake(wakes, forCancels)
}

func listenRequest(t *trial) {
	t.join(worker, enqueuedAt)
	wakes := t.listen()
	t.ask(request(1), time.Now())
	t.awake(wakes, forCancels)
}

func listenRetry(t *trial) {
	id := t.jobIn(store.Failed, plain())
	wakes := t.listen()
	t.retry(one(id))
	t.awake(wakes, forWork)
}

func listenResume(t *trial) {
	t.enqueue(plain())
	t.pause("default")
	wakes := t.listen()
	t.resume("default")
	t.awake(wakes, forWork)
}

func listenFinish(t *trial) {
	job := t.running(plain())
	wakes := t.listen()
	t.accept(outcome(job, store.Complete))
	t.awake(wakes, forFinished)
	wakes = t.listen()
	t.cancel(t.enqueue(plain())...)
	t.awake(wakes, forFinished)
}

func listenEverywhere(t *trial) {
	first, second := t.listen(), t.listen()
	t.enqueue(plain())
	t.awake(first, forWork)
	t.awake(second, forWork)
}

func listenUnread(t *trial) {
	unread, wakes := t.listen(), t.listen()
	for range 300 {
		t.enqueue(plain())
	}
	t.awake(wakes, forWork)
	t.awake(unread, forWork)
}

func listenEnds(t *trial) {
	ctx, cancel := context.WithCancel(t.Context())
	wakes, err := t.store.Listen(ctx)
	t.must("Listen", err)
	others := t.listen()
	t.enqueue(plain())
	cancel()
	t.drained(wakes)
	t.enqueue(plain())
	t.awake(others, forWork)
}

// drained reads a channel until it is closed.
func (t *trial) drained(wakes <-chan store.Wake) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		select {
		case _, open := <-wakes:
			if !open {
				return
			}
		case <-ctx.Done():
			t.Fatal("the channel of a listener was not closed")
		}
	}
}

var closeChecks = []check{
	{"every verb of a closed store is refused", closeRefusesVerbs},
	{"a store with listeners can be closed", closeWithListener},
	{"a migrated store may be migrated again", migrateAgain},
}

func closeRefusesVerbs(t *trial) {
	id := t.enqueue(plain())[0]
	t.must("Close", t.store.Close())
	for verb, call := range everyVerb(t, id) {
		t.closed(verb, call())
	}
}

// everyVerb calls each verb of the store with harmless arguments.
func everyVerb(t *trial, id int64) map[string]func() error {
	s, ctx, now := t.store, t.Context(), claimedAt
	return map[string]func() error{
		"Enqueue": func() error { _, err := s.Enqueue(ctx, []store.NewJob{plain()}, now); return err },
		"Claim": func() error {
			_, err := s.Claim(ctx, store.Demand{ProcessID: 1, Token: 1, Types: []string{"Mail"}, Limit: 1}, now)
			return err
		},
		"Suspected": func() error { _, err := s.Suspected(ctx, store.Demand{Types: []string{"Mail"}}); return err },
		"Finish": func() error {
			_, err := s.Finish(ctx, []store.Outcome{{JobID: id, Token: 1, Kind: store.Complete}}, now)
			return err
		},
		"Report": func() error { return s.Report(ctx, []store.Report{{JobID: id, Token: 1, Progress: progress(1)}}, now) },
		"Listen": func() error { _, err := s.Listen(ctx); return err },
		"Join":   func() error { return s.Join(ctx, aProcess(1, now), now) },
		"Beat": func() error {
			_, err := s.Beat(ctx, store.Heartbeat{ProcessID: 1, State: store.ProcessRunning}, now)
			return err
		},
		"Leave":      func() error { return s.Leave(ctx, 1, now) },
		"Recover":    func() error { _, err := s.Recover(ctx, []store.Silent{silent(1, 1)}, now); return err },
		"Promote":    func() error { _, err := s.Promote(ctx, 1, now); return err },
		"Prune":      func() error { _, _, err := s.Prune(ctx, keepAll(day), 0, 1, now); return err },
		"Cancel":     func() error { _, err := s.Cancel(ctx, one(id), "", now, nil); return err },
		"Retry":      func() error { _, err := s.Retry(ctx, one(id), now, nil); return err },
		"Reschedule": func() error { _, err := s.Reschedule(ctx, one(id), dueAt, now, nil); return err },
		"Delete":     func() error { _, err := s.Delete(ctx, one(id), nil); return err },
		"Pause":      func() error { return s.Pause(ctx, "default", "", now, nil) },
		"Resume":     func() error { return s.Resume(ctx, "default", nil) },
		"Get":        func() error { _, err := s.Get(ctx, id); return err },
		"List":       func() error { _, err := s.List(ctx, store.Filter{}); return err },
		"Search":     func() error { _, err := s.Search(ctx, store.Filter{}, store.Reach{}); return err },
		"Count":      func() error { _, err := s.Count(ctx, store.Filter{}, nil, store.Reach{}); return err },
		"Attempts":   func() error { _, err := s.Attempts(ctx, id); return err },
		"Log":        func() error { _, err := s.Log(ctx, id); return err },
		"Types":      func() error { _, err := s.Types(ctx); return err },
		"Processes":  func() error { _, err := s.Processes(ctx); return err },
		"Stats":      func() error { _, err := s.Stats(ctx); return err },
		"Rollup":     func() error { return s.Rollup(ctx, []store.Rollup{aRollup(0)}, now) },
		"Rollups":    func() error { _, err := s.Rollups(ctx, store.RollupFilter{From: now, Until: now}); return err },
		"Export":     func() error { _, err := s.Export(ctx, 0, 1); return err },
		"Import":     func() error { return s.Import(ctx, []store.Record{aRecord(id + 1)}) },
		"Migrate":    func() error { return s.Migrate(ctx) },
	}
}

func closeWithListener(t *trial) {
	t.listen()
	closed := make(chan error, 1)
	go func() { closed <- t.store.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	select {
	case err := <-closed:
		t.must("Close", err)
	case <-ctx.Done():
		t.Fatal("Close waits for a listener")
	}
}

func migrateAgain(t *trial) {
	id := t.enqueue(plain())[0]
	t.must("Migrate", t.store.Migrate(t.Context()))
	t.status(id, store.Pending)
}
