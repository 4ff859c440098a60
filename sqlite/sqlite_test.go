package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

// TestStoreInFile begins each check with a copy of one empty file: to migrate takes as
// long as most checks do.
func TestStoreInFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty.db")
	empty, err := sqlite.Open(file)
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t testing.TB) store.Store {
		path := filepath.Join(t.TempDir(), "jobs.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, path)
	})
}

func TestStoreInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, ":memory:") })
}

func open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestCloseDoesNotWaitForReaders: while somebody reads an old snapshot the write-ahead
// log cannot be emptied, and whoever waits for that holds up the writers of all
// processes.
func TestCloseDoesNotWaitForReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	other := open(t, path)
	enqueue(t, other, 1)
	reader, err := other.DB().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var jobs int
	if _, err := reader.ExecContext(t.Context(), "BEGIN DEFERRED"); err != nil {
		t.Fatal(err)
	}
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM later_job").Scan(&jobs); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	enqueue(t, s, 1)
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 8*time.Second { // a statement waits for 10 s
		t.Errorf("closed after %v", took)
	}
	if _, err := reader.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Error(err)
	}
}
