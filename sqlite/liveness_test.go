package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// TestTheDeadLeaveNoLock: a process that was declared dead, and joins again under
// another id, holds one lock and not two.
func TestTheDeadLeaveNoLock(t *testing.T) {
	path := file(t)
	s := open(t, path)
	now, ctx := time.Now(), t.Context()
	for id := int64(1); id <= 3; id++ {
		if err := s.Join(ctx, store.Process{ID: id, State: store.ProcessRunning, StartedAt: now}, now); err != nil {
			t.Fatal(err)
		}
		if id == 3 {
			break
		}
		if _, err := s.Recover(ctx, []store.Silent{{ProcessID: id}}, now); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Beat(ctx, store.Heartbeat{ProcessID: id, State: store.ProcessRunning}, now); !errors.Is(err, store.ErrProcessGone) {
			t.Fatalf("the beat of a dead process: %v", err)
		}
	}
	locks, err := filepath.Glob(path + "-lock-*")
	if err != nil || len(locks) != 1 {
		t.Errorf("locks: %q, %v", locks, err)
	}
}

// TestTheDeadAreKnown: whoever looks at the processes sees at once that one of this host
// has died, and believes nothing of one elsewhere.
func TestTheDeadAreKnown(t *testing.T) {
	path := file(t)
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	dies, looks := open(t, path), open(t, path)
	now, ctx := time.Now(), t.Context()
	for id, name := range map[int64]string{1: host, 2: "elsewhere"} {
		if err := dies.Join(ctx, store.Process{ID: id, Host: name, State: store.ProcessRunning, StartedAt: now}, now); err != nil {
			t.Fatal(err)
		}
	}
	ended := func() (ids []int64) {
		processes, err := looks.Processes(ctx)
		if err != nil || len(processes) != 2 {
			t.Fatalf("%v, %v", processes, err)
		}
		for _, p := range processes {
			if p.Ended {
				ids = append(ids, p.ID)
			}
		}
		return ids
	}
	if dead := ended(); dead != nil {
		t.Errorf("dead while they live: %v", dead)
	}
	if err := dies.Close(); err != nil { // without a word to the others
		t.Fatal(err)
	}
	if dead := ended(); !slices.Equal(dead, []int64{1}) {
		t.Errorf("dead are %v, expected 1", dead)
	}
}
