package postgres

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
)

// TestClock: the time of the database goes on by itself, wherever the clock of the
// machine stands.
func TestClock(t *testing.T) {
	for _, test := range []struct {
		ahead     time.Duration // the database, of this machine
		roundTrip time.Duration
		later     time.Duration // asked for the time so much after the answer
	}{
		{0, 0, 0},
		{0, 10 * time.Millisecond, time.Second},
		{time.Hour, 0, 0},
		{time.Hour, 200 * time.Millisecond, 5 * time.Hour},
		{-time.Hour, 3 * time.Second, time.Minute},
		{-100 * 365 * 24 * time.Hour, time.Second, 24 * time.Hour},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c clock
				sent := time.Now()
				time.Sleep(test.roundTrip / 2)
				told := time.Now().Add(test.ahead)
				time.Sleep(test.roundTrip / 2)
				c.set(told.In(time.FixedZone("elsewhere", 3600)), sent)
				time.Sleep(test.later)
				now, want := c.now(), time.Now().Add(test.ahead)
				if !now.Equal(want) || now.Location() != time.UTC {
					t.Errorf("it is %v, want %v", now, want)
				}
				if c.doubtful() {
					t.Error("in doubt, though nobody set a clock")
				}
			})
		})
	}
}

// TestClockHearsAgain: the newest answer counts, backwards too.
func TestClockHearsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		for _, ahead := range []time.Duration{0, time.Hour, -time.Hour, time.Minute} {
			c.set(time.Now().Add(ahead), time.Now())
			time.Sleep(time.Second)
			if now, want := c.now(), time.Now().Add(ahead); !now.Equal(want) {
				t.Errorf("it is %v, want %v", now, want)
			}
		}
	})
}

// TestClockPassesOverSlowAnswers: an answer that was held up on its way back or
// forth does not move a clock that was set by a quick one, unless it proves it wrong.
func TestClockPassesOverSlowAnswers(t *testing.T) {
	for _, test := range []struct {
		there, back time.Duration // on its way
		jumped      time.Duration // the database's clock, meanwhile
		most        time.Duration // wrong by so much afterwards
	}{
		{0, 3 * time.Second, 0, 0},
		{3 * time.Second, 0, 0, 0},
		{200 * time.Millisecond, 0, 0, 0},
		{0, time.Second, time.Hour, 500 * time.Millisecond},
		{time.Second, 0, -time.Hour, 500 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c clock
				c.set(time.Now(), time.Now())
				time.Sleep(time.Second)
				sent := time.Now()
				time.Sleep(test.there)
				told := time.Now().Add(test.jumped)
				time.Sleep(test.back)
				c.set(told, sent)
				if off := c.now().Sub(time.Now().Add(test.jumped)).Abs(); off > test.most {
					t.Errorf("wrong by %v", off)
				}
				time.Sleep(time.Second)
				if c.set(time.Now(), time.Now()); !c.now().Equal(time.Now()) {
					t.Error("a quick answer is passed over")
				}
			})
		})
	}
}

// TestClockAhead: what is told of this machine's clock is no more than is certain.
func TestClockAhead(t *testing.T) {
	for _, test := range []struct {
		ahead, roundTrip, later, want time.Duration
	}{
		{0, 0, 0, 0},
		{3 * time.Second, 0, 0, 3 * time.Second},
		{-3 * time.Second, 0, 0, -3 * time.Second},
		{3 * time.Second, 2 * time.Second, 0, 2 * time.Second},
		{-3 * time.Second, 2 * time.Second, 0, -2 * time.Second},
		{time.Second, 4 * time.Second, 0, 0},
		{3 * time.Second, 0, 10_000 * time.Second, 2 * time.Second},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c clock
				sent := time.Now()
				time.Sleep(test.roundTrip / 2)
				told := time.Now().Add(-test.ahead)
				time.Sleep(test.roundTrip / 2)
				c.set(told, sent)
				time.Sleep(test.later)
				if got := c.ahead().Round(10 * time.Millisecond); got != test.want {
					t.Errorf("ahead by %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestTimesAsTheDatabaseKeepsThem(t *testing.T) {
	base := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	for _, test := range []struct {
		at    time.Time
		micro time.Time
		later bool // than base
	}{
		{time.Time{}, time.Time{}, false},
		{base, base, false},
		{base.Add(999), base, false}, // nanoseconds do not count
		{base.Add(1000), base.Add(1000), true},
		{base.Add(-1), base.Add(-1000), false},
		{base.In(time.FixedZone("elsewhere", -3600)), base, false},
		{base.AddDate(7000, 0, 0), base.AddDate(7000, 0, 0), true},
	} {
		if got := micro(test.at); !got.Equal(test.micro) || got.Location() != time.UTC {
			t.Errorf("%v is kept as %v, want %v", test.at, got, test.micro)
		}
		if got := isLater(test.at, base); got != test.later {
			t.Errorf("%v is later than %v: %v", test.at, base, got)
		}
	}
}

// TestProcessesAgreeOnTheTime: one believes it is an hour later, the other an hour
// earlier. After a heartbeat both go by the database: a job that the one has put off
// is due for the other in time.
func TestProcessesAgreeOnTheTime(t *testing.T) {
	t.Parallel()
	one, other := openInside(t, "inside_clock"), openInside(t, "inside_clock")
	one.clock.set(time.Now().Add(time.Hour), time.Now())
	other.clock.set(time.Now().Add(-time.Hour), time.Now())
	beat(t, one, 1)
	beat(t, other, 2)
	if apart := one.Now().Sub(other.Now()).Abs(); apart > 500*time.Millisecond {
		t.Fatalf("after a heartbeat of each they are %v apart", apart)
	}
	job := store.NewJob{Type: "MyJob", Queue: "default", Args: []byte("1"), RunAt: one.Now().Add(300 * time.Millisecond)}
	if _, err := one.Enqueue(t.Context(), []store.NewJob{job}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for promoted := 0; promoted == 0; {
		answer, err := other.Promote(t.Context(), 10, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		promoted = answer.Count
	}
	if late := other.Now().Sub(job.RunAt); late < -100*time.Millisecond || late > 10*time.Second {
		t.Errorf("promoted %v after its time", late)
	}
}

// beat makes a process known, which then hears the time.
func beat(t *testing.T, s *Store, process int64) {
	t.Helper()
	if err := s.Join(t.Context(), store.Process{ID: process, Host: "elsewhere", StartedAt: s.Now()}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: process, State: store.ProcessRunning}, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// openInside opens a store in a schema for the length of a test.
func openInside(t testing.TB, schema string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(context.Background(), pgtest.URL(t), append(opts, Schema(schema))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return s
}
