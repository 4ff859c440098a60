package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

func TestStoreInFile(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, filepath.Join(t.TempDir(), "jobs.db")) })
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
