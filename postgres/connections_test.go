package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
)

// TestHeartbeatsNeedNoPool: a process whose handlers have taken every connection of the
// pool is known to be alive, and works on.
func TestHeartbeatsNeedNoPool(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, withParameter(t, url, "pool_max_conns", "1"), inOwnSchema(t, url))
	conn, err := s.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	now := s.Now()
	var claimed []store.Job
	for _, verb := range []struct {
		name string
		call func() error
	}{
		{"Join", func() error { return s.Join(ctx, store.Process{ID: 1, Host: "elsewhere", StartedAt: now}, now) }},
		{"Beat", func() error {
			_, err := s.Beat(ctx, store.Heartbeat{ProcessID: 1, State: store.ProcessRunning}, now)
			return err
		}},
		{"Enqueue", func() error { _, err := s.Enqueue(ctx, []store.NewJob{plain}, now); return err }},
		{"Promote", func() error { _, err := s.Promote(ctx, 10, now); return err }},
		{"Claim", func() (err error) {
			claimed, err = s.Claim(ctx, store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: 1}, now)
			return err
		}},
		{"Finish", func() error {
			_, err := s.Finish(ctx, []store.Outcome{{JobID: claimed[0].ID, Token: 7, Kind: store.Complete}}, now)
			return err
		}},
		{"Leave", func() error { return s.Leave(ctx, 1, now) }},
	} {
		if err := verb.call(); err != nil {
			t.Fatalf("%s: %v", verb.name, err)
		}
	}
}

// TestMessagesArriveAgainAfterACut: a process that polls once an hour hears of jobs
// again soon after its connections were cut.
func TestMessagesArriveAgainAfterACut(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	proxy, schema := pgtest.NewProxy(t, pgtest.Address(t, url)), inOwnSchema(t, url)
	worker := newQueue(t, open(t, proxy.URL(url), schema), later.Config{PollInterval: time.Hour},
		numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, worker)
	producer := newQueue(t, open(t, url, schema), later.Config{})
	for n := range int64(2) {
		wait(t, worker, enqueue(t, producer, n).ID)
		proxy.Cut()
		began := time.Now()
		wait(t, worker, enqueue(t, producer, n+100).ID)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("a job was performed %v after a cut", took)
		}
	}
}
