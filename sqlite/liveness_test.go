package sqlite_test

import (
	"errors"
	"path/filepath"
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
		if _, err := s.Beat(ctx, id, store.ProcessRunning, now); !errors.Is(err, store.ErrProcessGone) {
			t.Fatalf("the beat of a dead process: %v", err)
		}
	}
	locks, err := filepath.Glob(path + "-lock-*")
	if err != nil || len(locks) != 1 {
		t.Errorf("locks: %q, %v", locks, err)
	}
}
