//go:build unix

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/faultyfs"
	"github.com/laterjobs/later/sqlite"
)

// TestPowerCut cuts the power at moments of a recorded run, lets the disk keep this
// or that of what was not synced, and opens what is left.
func TestPowerCut(t *testing.T) {
	images := number(t, "LATER_CRASH_IMAGES", 150)
	if testing.Short() {
		images = min(images, 50)
	}
	seed := uint64(number(t, "LATER_CRASH_SEED", 1))
	ops := recordRun(t)
	random := rand.New(rand.NewPCG(seed, 0))
	cuts := chooseCuts(ops, images, random)
	tried := map[phase]int{}
	queue := make(chan faultyfs.Cut)
	var trying sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		trying.Go(func() {
			for cut := range queue {
				tryCut(t, ops, cut)
			}
		})
	}
	for _, cut := range cuts {
		tried[phaseAt(ops, cut.At)]++
		queue <- cut
	}
	close(queue)
	trying.Wait()
	t.Logf("%d images of a run of %d requests (LATER_CRASH_SEED=%d): %v", len(cuts), len(ops), seed, tried)
}

// tryCut opens what a power cut leaves, and keeps it if that is not what was promised.
func tryCut(t *testing.T, ops []faultyfs.Op, cut faultyfs.Cut) {
	if err := openImage(ops, cut); err != nil {
		kept, _ := os.MkdirTemp("", "later-crash-")
		_ = cut.Build(ops).WriteTo(kept)
		t.Errorf("%s, %s (the files are in %s):\n%v", phaseAt(ops, cut.At), cut, kept, err)
	}
}

// openImage opens what a power cut leaves and compares it with the promises.
func openImage(ops []faultyfs.Op, cut faultyfs.Cut) error {
	dir, err := os.MkdirTemp("", "later-powercut-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := cut.Build(ops).WriteTo(dir); err != nil {
		return err
	}
	s, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		return err
	}
	return errors.Join(promisesOf(ops[:cut.At]).check(s), s.Close())
}

// phaseAt is what the run was at.
func phaseAt(ops []faultyfs.Op, at int) (now phase) {
	for _, op := range ops[:at] {
		if p, ok := op.Mark.(phase); ok {
			now = p
		}
	}
	return now
}

// chooseCuts takes as many power cuts as wanted, from every phase alike: at each
// sync, before and after it, at each mark, and at moments in between.
func chooseCuts(ops []faultyfs.Op, images int, random *rand.Rand) []faultyfs.Cut {
	moments := map[phase][]int{}
	var phases []phase
	for at := 1; at <= len(ops); at++ {
		now := phaseAt(ops, at)
		if len(moments[now]) == 0 {
			phases = append(phases, now)
		}
		before := at < len(ops) && ops[at].Kind == faultyfs.Sync
		if last := ops[at-1].Kind; before || last == faultyfs.Sync || last == faultyfs.Mark || random.IntN(8) == 0 {
			moments[now] = append(moments[now], at)
		}
	}
	var chosen []faultyfs.Cut
	for len(chosen) < images {
		for _, now := range phases {
			at := moments[now][random.IntN(len(moments[now]))]
			cuts := faultyfs.Cuts(ops, at, 3, random)
			random.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
			chosen = append(chosen, cuts[:min(len(cuts), 4)]...)
		}
	}
	return chosen[:images]
}

// recordRun is a life of a store on a watched disk.
func recordRun(t *testing.T) []faultyfs.Op {
	t.Helper()
	dir := t.TempDir()
	disk := faultyfs.Watch(dir)
	defer disk.Close()
	path := filepath.Join(dir, "jobs.db")
	w := &witness{note: disk.Mark}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	reopen := func() {
		t.Helper()
		var err error
		w.store, err = sqlite.Open(path)
		must(err)
	}
	shell := func(statement string) {
		t.Helper()
		_, err := w.store.DB().Exec(statement)
		must(err)
	}

	disk.Mark(phase("migration"))
	reopen()
	disk.Mark(phase("enqueue"))
	must(w.enqueueALot())
	disk.Mark(phase("claim and finish"))
	must(w.work(6, 9))
	disk.Mark(phase("checkpoint by somebody else"))
	shell("PRAGMA wal_checkpoint(PASSIVE)")
	must(w.enqueueALot()) // from the beginning of the write-ahead log
	shell("PRAGMA wal_checkpoint(RESTART)")
	must(w.work(4, 9))
	shell("PRAGMA wal_checkpoint(TRUNCATE)")
	must(w.work(4, 9))
	disk.Mark(phase("checkpoint by the writer"))
	must(w.work(60, 1000)) // claims that may be large count as such
	if !checkpointed(disk.Ops(), "checkpoint by the writer") {
		t.Error("the writer made no checkpoint")
	}
	disk.Mark(phase("close and open"))
	must(w.store.Close())
	reopen()
	must(w.enqueueALot())
	must(w.work(3, 9))
	must(w.store.Close())
	return disk.Ops()
}

// checkpointed tells whether the database file was written in a phase.
func checkpointed(ops []faultyfs.Op, in phase) bool {
	for i, op := range ops {
		if op.Kind == faultyfs.Write && op.File == "jobs.db" && phaseAt(ops, i) == in {
			return true
		}
	}
	return false
}

// enqueueALot stores jobs in the ways that there are.
func (w *witness) enqueueALot() error {
	for range 5 {
		if _, err := w.enqueue(w.jobs(1, 50)); err != nil {
			return err
		}
	}
	var together sync.WaitGroup
	failed := make(chan error, 8)
	for range cap(failed) {
		together.Go(func() {
			for range 2 {
				if _, err := w.enqueue(w.jobs(1, 50)); err != nil {
					failed <- err
				}
			}
		})
	}
	together.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if _, err := w.enqueue(w.jobs(30, 3000)); err != nil {
		return err
	}
	scheduled := w.jobs(3, 10)
	for i := range scheduled {
		scheduled[i].RunAt = time.Now().Add(time.Hour)
	}
	ids, err := w.enqueue(scheduled)
	if err != nil {
		return err
	}
	return w.remove(ids[:1])
}

// work claims and finishes, and enqueues a little.
func (w *witness) work(rounds, limit int) error {
	for round := range rounds {
		jobs, err := w.claim(limit)
		if err != nil {
			return err
		}
		if err := w.finish(jobs); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if _, err := w.enqueue(w.jobs(2, 20)); err != nil {
			return err
		}
	}
	return nil
}
