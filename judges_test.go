package later_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// TestNobodyIsJudgedByThoseWhoCannotBeatThemselves: the store can be read but not
// written for longer than the time-to-die, as on a full disk or behind a lock. All
// beats stand still, which proves nobody's death.
func TestNobodyIsJudgedByThoseWhoCannotBeatThemselves(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		stores := []*faulty{{Store: file}, {Store: file}}
		var queues []*later.JobQueue
		for _, s := range stores {
			queue := queueOn(t, s, later.Config{})
			if err := queue.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer stop(t, queue)
			queues = append(queues, queue)
		}
		<-time.After(time.Minute)
		before := []int64{queues[0].Status().ProcessID, queues[1].Status().ProcessID}
		for _, s := range stores {
			s.set(func(f *faulty) { f.failBeat = store.ErrUnavailable })
		}
		<-time.After(time.Minute)
		for _, s := range stores {
			s.set(func(f *faulty) { f.failBeat = nil })
		}
		<-time.After(time.Minute)
		for i, queue := range queues {
			if after := queue.Status().ProcessID; after != before[i] {
				t.Errorf("process %d was declared dead, and joined as %d", before[i], after)
			}
		}
	})
}
