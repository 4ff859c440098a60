//go:build unix

package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/laterjobs/later/internal/faultyfs"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// failures are the ways in which a disk fails.
var failures = []struct {
	name  string
	fault faultyfs.Fault
}{
	{"write", faultyfs.Fault{Kind: faultyfs.Write}},
	{"half a write", faultyfs.Fault{Kind: faultyfs.Write, Half: true}},
	{"full", faultyfs.Fault{Kind: faultyfs.Write, Code: sqlite3.SQLITE_FULL}},
	{"half a write, then full", faultyfs.Fault{Kind: faultyfs.Write, Code: sqlite3.SQLITE_FULL, Half: true}},
	{"sync", faultyfs.Fault{Kind: faultyfs.Sync}},
	{"sync that loses what it was to write", faultyfs.Fault{Kind: faultyfs.Sync, Revert: true}},
	{"read", faultyfs.Fault{Kind: faultyfs.Read}},
	{"nonsense read", faultyfs.Fault{Kind: faultyfs.Read, Code: sqlite3.SQLITE_CORRUPT}},
	{"truncate", faultyfs.Fault{Kind: faultyfs.Truncate}},
	{"delete", faultyfs.Fault{Kind: faultyfs.Delete}},
}

// TestFailingDisk makes the n-th request of each kind fail, once and from then on, for
// every n that a life of a store comes to. What the store has acknowledged is there
// while it goes on, when it is opened again, and after a power cut.
func TestFailingDisk(t *testing.T) {
	trials := number(t, "LATER_CRASH_FAULTS", 30)
	if testing.Short() {
		trials = min(trials, 20)
	}
	seed := uint64(number(t, "LATER_CRASH_SEED", 1))
	random := rand.New(rand.NewPCG(seed, 1))
	plan := newPlan(trials)
	for n := range trials {
		failure := failures[n%len(failures)]
		fault := failure.fault
		fault.Nth = plan.next(failure.name, random)
		if fault.Nth == 0 {
			continue
		}
		fault.More = []int{0, faultyfs.Forever, 3}[random.IntN(3)]
		s := &failingDisk{fault: fault, seed: random.Uint64()}
		if err := s.live(t.TempDir()); err != nil {
			t.Errorf("%s fails, %+v (LATER_CRASH_SEED=%d, trial %d):\n%v", failure.name, fault, seed, n, err)
		}
		plan.note(failure.name, fault.Nth, s.failed > 0)
	}
	t.Logf("lives with requests that failed (LATER_CRASH_SEED=%d): %v", seed, plan.hits)
	for _, failure := range failures {
		if plan.sweep && plan.hits[failure.name] == 0 {
			t.Errorf("no %s failed", failure.name)
		}
	}
}

// plan chooses which request fails: of few trials any, of many each in its turn.
type plan struct {
	sweep bool
	last  map[string]int // the request that was made to fail last
	end   map[string]int // no life comes to this one
	hits  map[string]int
}

func newPlan(trials int) *plan {
	return &plan{sweep: trials >= 100*len(failures), last: map[string]int{}, end: map[string]int{}, hits: map[string]int{}}
}

func (p *plan) next(name string, random *rand.Rand) int {
	end := p.end[name]
	switch {
	case !p.sweep && end == 0:
		return 1 + random.IntN(50)
	case !p.sweep:
		return 1 + random.IntN(end)
	case end > 0:
		return 0
	}
	p.last[name]++
	return p.last[name]
}

func (p *plan) note(name string, nth int, hit bool) {
	if hit {
		p.hits[name]++
	} else {
		p.end[name] = max(1, nth-1)
	}
}

// failingDisk is the life of a store on a disk that fails.
type failingDisk struct {
	fault  faultyfs.Fault
	seed   uint64
	failed int // requests

	disk *faultyfs.Disk
	w    *witness
}

func (f *failingDisk) live(dir string) error {
	f.disk = faultyfs.Watch(dir)
	defer f.disk.Close()
	path := filepath.Join(dir, "jobs.db")
	f.disk.Fail(f.fault)
	s, err := sqlite.Open(path)
	if err != nil { // it was too early: the disk is healthy the next time
		f.failed = f.disk.Heal()
		if err := typed(err); err != nil {
			return err
		}
		if s, err = sqlite.Open(path); err != nil {
			return fmt.Errorf("open after an open that failed: %w", err)
		}
	}
	f.w = &witness{store: s, note: f.disk.Mark}
	untyped := f.use()
	f.failed = max(f.failed, f.disk.Heal())
	f.disk.Mark(phase("healed"))
	return errors.Join(untyped, f.goOn(path))
}

// use does what users do. Whatever fails, fails with an error that says so.
func (f *failingDisk) use() error {
	var wrong []error
	step := func(err error) { wrong = append(wrong, typed(err)) }
	for round := range 6 {
		_, err := f.w.enqueue(f.w.jobs(1, 50))
		step(err)
		_, err = f.w.enqueue(f.w.jobs(10, 1000))
		step(err)
		claimed, err := f.w.claim(4)
		step(err)
		if len(claimed) > 0 {
			step(f.w.finish(claimed))
		}
		if round%2 == 1 && !f.fault.Revert { // somebody else would move what was lost into the file
			mode := []string{"PASSIVE", "TRUNCATE", "PASSIVE"}[round/2]
			if _, err := f.w.store.DB().Exec("PRAGMA wal_checkpoint(" + mode + ")"); err != nil {
				continue // the error of somebody else
			}
		}
	}
	return errors.Join(wrong...)
}

// typed returns errors that do not tell callers what they need to know.
func typed(err error) error {
	for _, sentinel := range []error{store.ErrUnavailable, store.ErrFull, store.ErrUnsuitable} {
		if errors.Is(err, sentinel) {
			return nil
		}
	}
	return err
}

// goOn: once the disk is healthy, the store works by itself, and has everything;
// so it has when it is opened again, and after a power cut.
func (f *failingDisk) goOn(path string) error {
	_, err := f.w.enqueue(f.w.jobs(1, 50))
	if err != nil && f.fault.Kind == faultyfs.Sync { // Linux tells of the error of somebody else's sync
		_, err = f.w.enqueue(f.w.jobs(1, 50))
	}
	if err != nil && !f.fault.Revert {
		return errors.Join(fmt.Errorf("the disk is healthy, but: %w", err), f.w.store.Close())
	}
	ops := f.disk.Ops()
	if err == nil {
		if err := promisesOf(ops).check(f.w.store); err != nil {
			return errors.Join(fmt.Errorf("the disk is healthy: %w", err), f.w.store.Close())
		}
	}
	if err := f.w.store.Close(); err != nil && !f.fault.Revert {
		return fmt.Errorf("close: %w", err)
	}
	return errors.Join(f.afterPowerCut(ops))
}

// afterPowerCut opens what a power cut has left.
func (f *failingDisk) afterPowerCut(ops []faultyfs.Op) error {
	random := rand.New(rand.NewPCG(f.seed, 0))
	var wrong []error
	cuts := faultyfs.Cuts(ops, len(ops), 1, random)
	for _, cut := range cuts[:min(len(cuts), 2)] {
		if err := openImage(ops, cut); err != nil {
			wrong = append(wrong, fmt.Errorf("power cut %s: %w", cut, err))
		}
	}
	return errors.Join(wrong...)
}
