//go:build unix

package crash

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// TestFileTakenAway: a file that is deleted, moved or replaced while it is open is
// noticed at the next call, and nothing is acknowledged that nobody can find again.
func TestFileTakenAway(t *testing.T) {
	for _, test := range []struct {
		name string
		take func(path string) error
		back func(path string) error // nil: there is no way back
	}{
		{"deleted", os.Remove, nil},
		{"moved", func(path string) error { return os.Rename(path, path+".old") },
			func(path string) error { return os.Rename(path+".old", path) }},
		{"replaced", func(path string) error {
			if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, nil},
		{"without its log", func(path string) error { return os.Remove(path + "-wal") }, nil},
		{"behind another link", func(path string) error { return os.Remove(filepath.Join(filepath.Dir(path), "link.db")) }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "jobs.db")
			link := filepath.Join(dir, "link.db")
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			s, err := sqlite.Open(link)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			w := &witness{store: s, note: func(any) {}}
			ids, err := w.enqueue(w.jobs(3, 10))
			if err != nil {
				t.Fatal(err)
			}
			claimed, err := w.claim(1)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.take(path); err != nil {
				t.Fatal(err)
			}
			_, enqueueErr := w.enqueue(w.jobs(1, 10))
			_, claimErr := w.claim(1)
			_, beatErr := s.Beat(t.Context(), store.Heartbeat{ProcessID: worker, State: store.ProcessRunning}, time.Now())
			_, getErr := s.Get(t.Context(), ids[0])
			for verb, err := range map[string]error{
				"Enqueue": enqueueErr, "Claim": claimErr, "Finish": w.finish(claimed), "Beat": beatErr, "Get": getErr,
			} {
				if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "was deleted, moved or replaced while it was open") {
					t.Errorf("%s: %v", verb, err)
				}
			}
			if test.back == nil {
				return
			}
			if err := test.back(path); err != nil {
				t.Fatal(err)
			}
			if err := w.finish(claimed); err != nil {
				t.Errorf("put back: %v", err)
			}
		})
	}
}
