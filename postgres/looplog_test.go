package postgres_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// resumption is how soon after an outage everything works again: after 2 s or less, on a
// machine that may stand still for some seconds. What waits for a time-out takes 10 s.
const resumption = 8 * time.Second

// loopLog is a log that knows which loops of the engine are in trouble: they say that
// they cannot do something, and when they can again.
type loopLog struct {
	slog.Handler
	mu      sync.Mutex
	lines   map[string]int       // how often each has said something, as a warning or worse
	trouble map[string]bool      // loops that are in trouble
	over    map[string]time.Time // when each was last out of it
}

func newLoopLog(t testing.TB) *loopLog {
	return &loopLog{
		Handler: slog.NewTextHandler(t.Output(), nil), lines: map[string]int{}, trouble: map[string]bool{}, over: map[string]time.Time{},
	}
}

// Handle sorts the line in.
func (l *loopLog) Handle(ctx context.Context, record slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := strings.TrimSuffix(strings.TrimPrefix(record.Message, "cannot "), "; trying again")
	switch {
	case strings.HasPrefix(record.Message, "can "):
		name = strings.TrimSuffix(strings.TrimPrefix(record.Message, "can "), " again")
		l.over[name] = time.Now()
		delete(l.trouble, name)
	case strings.HasSuffix(record.Message, "; trying again"):
		l.trouble[name] = true
		l.lines[name]++
	case record.Level >= slog.LevelWarn:
		l.lines[name]++
	}
	return l.Handler.Handle(ctx, record)
}

// resumed insists that every loop that was in trouble comes out of it soon after the
// end of the outage.
func (l *loopLog) resumed(t *testing.T, end time.Time) {
	t.Helper()
	for deadline := end.Add(4 * resumption); len(l.inTrouble()) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%v after the outage, in trouble: %v", 4*resumption, l.inTrouble())
		}
		<-time.After(10 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, over := range l.over {
		took := over.Sub(end).Round(time.Millisecond)
		t.Logf("can %s again %v after the outage", name, took)
		if took > resumption {
			t.Errorf("can %s again only %v after the outage", name, took)
		}
	}
}

func (l *loopLog) inTrouble() (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.trouble {
		names = append(names, name)
	}
	return names
}

// honest insists that nothing was said to be over before the outage was.
func (l *loopLog) honest(t *testing.T, end time.Time) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, over := range l.over {
		if over.Before(end.Add(-time.Second)) {
			t.Errorf("it can %s again, it said %v before the end of the outage", name, end.Sub(over))
		}
	}
}

// calm insists that nothing was said more than so often. What is said of single jobs
// is not counted.
func (l *loopLog) calm(t *testing.T, most int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, lines := range l.lines {
		if lines > most && !strings.HasPrefix(name, "outcome superseded") {
			t.Errorf("%d lines: %s", lines, name)
		}
	}
}
