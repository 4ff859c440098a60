package later_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// TestNobodyIsJudgedByThoseWhoCannotBeatThemselves: beats are refused for longer than
// the time-to-die, while everything else gets through, recoveries included. All beats
// stand still, which proves nobody's death: a process that judged by what it sees would
// have another declared dead at once. Where all writes hang and come through together,
// TestStoreThatTakesNoWritesKillsNobody looks.
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

// TestFailedBeatsAreTriedWithoutDelay: whoever has waited longer and longer for its store
// must not be the last to beat when that is back, or it is the one that others judge.
func TestFailedBeatsAreTriedWithoutDelay(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s := &faulty{Store: file}
		const heartbeat = 300 * time.Millisecond
		queue := queueOn(t, s, later.Config{Heartbeat: heartbeat, TimeToDie: 2 * time.Second})
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, queue)
		beat := func() int64 {
			processes, err := file.Processes(t.Context())
			if err != nil || len(processes) != 1 {
				t.Fatalf("%d processes, %v", len(processes), err)
			}
			return processes[0].Beat
		}
		for range 10 {
			s.set(func(f *faulty) { f.failBeat = store.ErrUnavailable })
			<-time.After(20 * time.Second)
			before := beat()
			s.set(func(f *faulty) { f.failBeat = nil })
			<-time.After(heartbeat * 12 / 10)
			if beat() == before {
				t.Fatalf("no beat within %v after the store was back", heartbeat*12/10)
			}
		}
	})
}

// alarming is a store that says what is wrong with it.
type alarming struct {
	store.Store
	text atomic.Pointer[string]
}

func (a *alarming) Alarm() string { return *a.text.Load() }

// TestAlarmsOfTheStoreAreLogged: once a minute while they last, and when they are over.
func TestAlarmsOfTheStoreAreLogged(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s := &alarming{Store: file}
		say := func(text string) { s.text.Store(&text) }
		say("")
		var log bytes.Buffer
		queue := queueOn(t, s, later.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		say("the disk smells")
		<-time.After(5 * time.Minute)
		say("")
		<-time.After(5 * time.Minute)
		stop(t, queue)
		if n := strings.Count(log.String(), "the store needs attention: the disk smells"); n < 4 || n > 6 {
			t.Errorf("logged %d times in 5 minutes", n)
		}
		if n := strings.Count(log.String(), "the store needs no attention any more"); n != 1 {
			t.Errorf("%d times over", n)
		}
	})
}
