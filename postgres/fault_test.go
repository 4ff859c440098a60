package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// quickly is a configuration that notices within a second what usually takes longer.
var quickly = later.Config{
	Concurrency: 10, PollInterval: 200 * time.Millisecond, Heartbeat: 100 * time.Millisecond, TimeToDie: 2 * time.Second,
}

// counted is a handler that counts how often each number was performed.
type counted struct {
	mu    sync.Mutex
	times map[int64]int
}

func (c *counted) perform(_ context.Context, args numberArgs) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[int64]int{}
	}
	c.times[args.N]++
	return nil
}

func (c *counted) of(n int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times[n]
}

// stored enqueues until the store takes it: an error leaves open whether it has.
func stored(t *testing.T, queue *later.JobQueue, n int64) int64 {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		job, err := numberJob.PerformLater(t.Context(), queue, numberArgs{n})
		switch {
		case err == nil:
			return job.ID
		case !errors.Is(err, later.ErrUnavailable):
			t.Fatalf("enqueue: %v", err)
		case time.Now().After(deadline):
			t.Fatalf("the store does not come back: %v", err)
		}
	}
}

// allCompleted insists that every acknowledged job completes at its first attempt.
func allCompleted(t *testing.T, queue *later.JobQueue, ids []int64) {
	t.Helper()
	for _, id := range ids {
		if job := wait(t, queue, id); job.Status != later.StatusCompleted || job.Attempt != 1 {
			t.Errorf("job %d: %s, attempt %d, error %q", id, job.Status, job.Attempt, job.Error)
		}
	}
}

// TestServerIsKilled: kill -9 of the server, several times under load.
func TestServerIsKilled(t *testing.T) {
	server := pgtest.Start(t)
	var performed counted
	queue := newQueue(t, open(t, server.URL()), quickly, numberJob.Do(performed.perform))
	start(t, queue)
	var ids []int64
	next := int64(0)
	for range 3 {
		for range 50 {
			ids = append(ids, stored(t, queue, next))
			next++
		}
		server.Kill()
		server.StartAgain()
		began := time.Now()
		wait(t, queue, stored(t, queue, next))
		next++
		if took := time.Since(began); took > resumption {
			t.Errorf("work resumed %v after the server", took)
		}
	}
	allCompleted(t, queue, ids)
	for n := range next {
		if performed.of(n) == 0 {
			t.Errorf("job %d was acknowledged and never performed", n)
		}
	}
}

// TestConnectionsAreCut: at any point, after a commit and before its reply too.
func TestConnectionsAreCut(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4} {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			proxy := pgtest.NewProxy(t, pgtest.Address(t, url))
			var performed counted
			queue := newQueue(t, open(t, proxy.URL(url), inOwnSchema(t, url)), quickly, numberJob.Do(performed.perform))
			start(t, queue)
			random := rand.New(rand.NewPCG(seed, 0))
			var ids []int64
			for n := range int64(300) {
				switch random.IntN(30) {
				case 0:
					proxy.Cut()
				case 1, 2, 3:
					proxy.CutAfterCommit()
				}
				ids = append(ids, stored(t, queue, n))
			}
			allCompleted(t, queue, ids)
		})
	}
}

// TestOutageReapsNobody: the network stands still for longer than the time-to-die.
// Jobs that run are stopped, since others may have taken them; nobody counts a crash.
func TestOutageReapsNobody(t *testing.T) {
	url := pgtest.URL(t)
	proxy := pgtest.NewProxy(t, pgtest.Address(t, url))
	schema := inOwnSchema(t, url)
	running, causes := make(chan struct{}, 10), make(chan error, 10)
	var ran atomic.Bool
	queue := newQueue(t, open(t, proxy.URL(url), schema), quickly, numberJob.Do(func(ctx context.Context, _ numberArgs) error {
		if ran.Swap(true) {
			return nil // either process may have the job afterwards
		}
		running <- struct{}{}
		select {
		case <-ctx.Done():
			causes <- context.Cause(ctx)
			return ctx.Err()
		case <-time.After(time.Minute):
			causes <- errors.New("nobody has told the handler")
			return nil
		}
	}))
	other := newQueue(t, open(t, proxy.URL(url), schema), quickly, numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, queue)
	job := enqueue(t, queue, 1)
	<-running
	start(t, other)
	proxy.Freeze(true)
	if cause := <-causes; !errors.Is(cause, later.ErrLeaseLost) {
		t.Errorf("cause: %v", cause)
	}
	proxy.Freeze(false)
	began := time.Now()
	if done := wait(t, other, job.ID); done.Status != later.StatusCompleted || done.Crashes != 0 || done.Attempt != 1 {
		t.Errorf("job: %+v", done)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the job was back after %v", took)
	}
}

// TestLoopsResume: after an outage in which nothing could be reached.
func TestLoopsResume(t *testing.T) {
	url := pgtest.URL(t)
	proxy := pgtest.NewProxy(t, pgtest.Address(t, url))
	schema := inOwnSchema(t, url)
	queue := newQueue(t, open(t, proxy.URL(url), schema), later.Config{}, numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, queue)
	outside := newQueue(t, open(t, url, schema), later.Config{})
	wait(t, outside, enqueue(t, outside, 1).ID)
	proxy.Refuse(true)
	proxy.Cut()
	job, delayed := enqueue(t, outside, 2), enqueue(t, outside, 3, later.In(100*time.Millisecond))
	outage := time.NewTimer(6 * time.Second)
	<-outage.C
	proxy.Refuse(false)
	began := time.Now()
	wait(t, outside, job.ID)
	wait(t, outside, delayed.ID)
	if took := time.Since(began); took > resumption {
		t.Errorf("jobs were performed %v after the outage", took)
	}
}

// TestLocksOfOthers: a statement that does not get its lock in time is tried again.
func TestLocksOfOthers(t *testing.T) {
	url := pgtest.URL(t)
	s := open(t, withParameter(t, url, "lock_timeout", "20ms"), postgres.Schema("locked"))
	t.Cleanup(func() { exec(t, url, "DROP SCHEMA locked CASCADE") })
	queue := newQueue(t, s, quickly, numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, "BEGIN; LOCK TABLE locked.ready IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		_, err := numberJob.PerformLater(ctx, queue, numberArgs{1})
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Fatalf("the lock did not hold: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Errorf("enqueue: %v", err)
	}
}

// TestRepliesOfClaimsAreLost: the jobs are given back as soon as two heartbeats have
// shown them, with no attempt burned.
func TestRepliesOfClaimsAreLost(t *testing.T) {
	url := pgtest.URL(t)
	lossy := &losesClaims{Store: open(t, url, inOwnSchema(t, url)), left: 3}
	var performed counted
	queue := newQueue(t, lossy, quickly, numberJob.Do(performed.perform))
	start(t, queue)
	var ids []int64
	for n := range int64(10) {
		ids = append(ids, enqueue(t, queue, n).ID)
	}
	allCompleted(t, queue, ids)
	for n := range int64(10) {
		if performed.of(n) != 1 {
			t.Errorf("job %d was performed %d times", n, performed.of(n))
		}
	}
}

// losesClaims is a store that loses some replies.
type losesClaims struct {
	*postgres.Store
	mu   sync.Mutex
	left int
}

func (l *losesClaims) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	jobs, err := l.Store.Claim(ctx, d, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(jobs) > 0 && l.left > 0 {
		l.left--
		return nil, store.ErrUnavailable
	}
	return jobs, err
}
