//go:build unix

package crash

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laterjobs/later/internal/faultyfs"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// afterFailedSync is a store whose write-ahead log could not be synced, with claims
// in the log that had not been synced before either.
func afterFailedSync(t *testing.T, claims int, fault faultyfs.Fault) (*witness, *faultyfs.Disk, string) {
	t.Helper()
	dir := t.TempDir()
	disk := faultyfs.Watch(dir)
	t.Cleanup(disk.Close)
	s, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{store: s, note: disk.Mark}
	if _, err := w.enqueue(w.jobs(5, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.claim(claims); err != nil {
		t.Fatal(err)
	}
	fault.Kind, fault.File, fault.Nth = faultyfs.Sync, "-wal", 1
	disk.Fail(fault)
	if _, err := w.enqueue(w.jobs(1, 10)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a sync that failed: %v", err)
	}
	return w, disk, dir
}

// TestFailedSync: after a sync that failed, the kernel takes for written what is not.
// The store writes it again before it acknowledges anything more.
func TestFailedSync(t *testing.T) {
	w, disk, _ := afterFailedSync(t, 3, faultyfs.Fault{})
	defer w.store.Close()
	if _, err := w.enqueue(w.jobs(2, 10)); err != nil {
		t.Fatalf("once the disk works again: %v", err)
	}
	ops := disk.Ops()
	random := rand.New(rand.NewPCG(1, 2))
	for _, cut := range faultyfs.Cuts(ops, len(ops), 30, random) {
		tryCut(t, ops, cut)
	}
}

// TestFailedSyncForLong: nothing is acknowledged for as long as it lasts.
func TestFailedSyncForLong(t *testing.T) {
	w, disk, _ := afterFailedSync(t, 3, faultyfs.Fault{More: faultyfs.Forever})
	defer w.store.Close()
	for range 5 {
		if _, err := w.enqueue(w.jobs(1, 10)); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("while no sync succeeds: %v", err)
		}
	}
	disk.Heal()
	if _, err := w.enqueue(w.jobs(1, 10)); err != nil {
		t.Errorf("once the disk works again: %v", err)
	}
}

// TestLogLostInMemoryToo: what a failed sync was to write can be gone from memory as
// well. With claims among it the store says so and leaves the files alone; without
// any, nothing that was acknowledged is missing, and it goes on.
func TestLogLostInMemoryToo(t *testing.T) {
	t.Run("nothing acknowledged", func(t *testing.T) {
		w, disk, _ := afterFailedSync(t, 0, faultyfs.Fault{Revert: true})
		defer w.store.Close()
		if _, err := w.enqueue(w.jobs(2, 10)); err != nil {
			t.Errorf("once the disk works again: %v", err)
		}
		ops := disk.Ops()
		tryCut(t, ops, faultyfs.Cut{At: len(ops), Name: "nothing lost"})
	})
	t.Run("claims", func(t *testing.T) {
		w, disk, dir := afterFailedSync(t, 3, faultyfs.Fault{Revert: true})
		before := contentOf(t, dir)
		for range 2 {
			if _, err := w.enqueue(w.jobs(1, 10)); !errors.Is(err, store.ErrUnavailable) ||
				!strings.Contains(err.Error(), "the disk has lost a part of the write-ahead log; nothing more is written. Check the disk, then restart the program") {
				t.Errorf("after the loss: %v", err)
			}
		}
		if err := w.store.Close(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("close: %v", err)
		}
		after := contentOf(t, dir)
		for name, content := range before {
			if string(after[name]) != string(content) {
				t.Errorf("%s was changed after the loss", name)
			}
		}
		restart(t, after, promisesOf(disk.Ops()))
	})
}

// contentOf is what another process would find: no memory is shared with it.
func contentOf(t *testing.T, dir string) faultyfs.Image {
	t.Helper()
	image := faultyfs.Image{}
	for _, name := range []string{"jobs.db", "jobs.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		image[name] = content
	}
	return image
}

func restart(t *testing.T, files faultyfs.Image, p *promises) {
	t.Helper()
	dir := t.TempDir()
	if err := files.WriteTo(dir); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := p.check(s); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

// TestNoJournalInPlaceOfTheLog: the disk refuses the change to a write-ahead log.
// SQLite does not say so and would go on with a rollback journal, which loses the last
// commit in a power failure.
func TestNoJournalInPlaceOfTheLog(t *testing.T) {
	for nth := range 3 {
		dir := t.TempDir()
		disk := faultyfs.Watch(dir)
		disk.Fail(faultyfs.Fault{Kind: faultyfs.Write, Nth: 1 + nth})
		s, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
		if err != nil {
			if s, err = sqlite.Open(filepath.Join(dir, "jobs.db")); err != nil {
				t.Fatal(err)
			}
		}
		var busy, frames, moved int
		if err := s.DB().QueryRow("PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &frames, &moved); err != nil || frames < 1 {
			t.Errorf("write %d failed: %d frames in the write-ahead log, %v", 1+nth, frames, err)
		}
		s.Close()
		disk.Close()
	}
}
