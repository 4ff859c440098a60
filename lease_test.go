package later_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// onStore runs a test in fake time with a queue on what wrap makes of a file.
func onStore(t *testing.T, wrap func(store.Store) store.Store, check func(t *testing.T, s store.Store)) {
	t.Helper()
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		check(t, wrap(file))
	})
}

// slowBeats is a store whose answer to the first heartbeat takes a while. There is
// no second.
type slowBeats struct {
	store.Store
	takes time.Duration
	sent  record[time.Time]
}

func (s *slowBeats) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	if len(s.sent.all()) > 0 {
		return store.Beaten{}, store.ErrUnavailable
	}
	s.sent.add(time.Now())
	beaten, err := s.Store.Beat(ctx, h, now)
	<-time.After(s.takes)
	return beaten, err
}

// TestLeaseIsCountedFromTheSending: others count from when the beat reached the store,
// so a process must not count from when it heard of that.
func TestLeaseIsCountedFromTheSending(t *testing.T) {
	slow := &slowBeats{takes: 4 * time.Second}
	wrap := func(s store.Store) store.Store { slow.Store = s; return slow }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		var lostAt record[time.Time]
		queue := queueOn(t, s, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error {
			<-ctx.Done()
			lostAt.add(time.Now())
			return ctx.Err()
		}))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		enqueue(t, textJob, queue, textArgs{})
		<-time.After(30 * time.Second)
		sent, lost := slow.sent.all(), lostAt.all()
		if len(lost) != 1 || lost[0].Sub(sent[0]) > 13*time.Second+100*time.Millisecond {
			t.Errorf("the beat was sent at %v, the jobs were stopped at %v", sent, lost)
		}
		stop(t, queue)
	})
}

// tokens is a store that keeps the tokens of all claims.
type tokens struct {
	store.Store
	seen record[int64]
}

func (s *tokens) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	s.seen.add(d.Token)
	return s.Store.Claim(ctx, d, now)
}

// TestTokensNeverReturn: not in another process, and not after a new start, which
// knows nothing of the tokens that were given out before.
func TestTokensNeverReturn(t *testing.T) {
	kept := &tokens{}
	wrap := func(s store.Store) store.Store { kept.Store = s; return kept }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		for range 3 {
			var queues []*later.JobQueue
			for range 2 {
				queue := queueOn(t, s, later.Config{}, textJob.Do(func(context.Context, textArgs) error { return nil }))
				if err := queue.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				queues = append(queues, queue)
			}
			for range 10 {
				wait(t, queues[0], enqueue(t, textJob, queues[0], textArgs{}).ID)
			}
			for _, queue := range queues {
				stop(t, queue)
			}
		}
		times := map[int64]int{}
		for _, token := range kept.seen.all() {
			if times[token]++; times[token] > 1 || token <= 0 {
				t.Errorf("token %d was drawn %d times", token, times[token])
			}
		}
		if len(times) < 60 {
			t.Errorf("only %d claims were made", len(times))
		}
	})
}

// TestContextEndsWithTheAttempt: however it ends. What a handler leaves behind, such
// as a goroutine that waits for its context, ends too.
func TestContextEndsWithTheAttempt(t *testing.T) {
	var contexts record[context.Context]
	perform := func(ctx context.Context, args textArgs) error {
		contexts.add(ctx)
		go func() { <-ctx.Done() }()
		switch args.Text {
		case "error":
			return errors.New("boom")
		case "panic":
			panic("boom")
		}
		return nil
	}
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		for _, text := range []string{"", "error", "panic"} {
			for _, timeout := range []time.Duration{0, time.Hour} {
				wait(t, queue, enqueue(t, textJob, queue, textArgs{text}, later.MaxRetries(0), later.Timeout(timeout)).ID)
			}
		}
		for i, ctx := range contexts.all() {
			if ctx.Err() == nil {
				t.Errorf("the context of attempt %d goes on", i)
			}
		}
	})
}
