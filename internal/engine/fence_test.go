package engine

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// While a machine is suspended its monotonic clock stands still, as here; others count
// the silence.
func TestProcessThatSleptFencesItself(t *testing.T) {
	for _, test := range []struct {
		name   string
		slept  time.Duration
		fenced bool
	}{
		{"not at all", 0, false},
		{"a moment", 5 * time.Second, false},
		{"longer than its lease", 20 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := New(nil, Config{TimeToDie: 15 * time.Second, Logger: slog.New(slog.DiscardHandler)}, nil, nil)
				e.prepare(t.Context())
				time.Sleep(time.Second)
				e.sleep.wall = e.sleep.wall.Add(-test.slept)
				e.sleep.sinceBoot = func(time.Duration) time.Duration { return test.slept }
				e.fence(t.Context())
				if e.fenced != test.fenced || e.leaseAtRisk() != test.fenced {
					t.Errorf("fenced %v, at risk %v, want %v", e.fenced, e.leaseAtRisk(), test.fenced)
				}
				e.endLoops()
				e.giveUp()
			})
		})
	}
}

// A clock that somebody sets is no sleep, where the system tells the two apart.
func TestSleepIsNotAClockThatWasSet(t *testing.T) {
	asked := 0
	s := newSleep()
	s.sinceBoot = func(time.Duration) time.Duration { asked++; return 0 }
	if s.slept() != 0 || asked != 0 {
		t.Errorf("asked %d times while the clocks agree", asked)
	}
	s.wall = s.wall.Add(-time.Hour)
	if slept := s.slept(); slept != 0 || asked != 1 {
		t.Errorf("slept %v, asked %d times", slept, asked)
	}
	if s.slept(); asked != 1 {
		t.Error("asked again")
	}
}
