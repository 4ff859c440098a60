package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// file makes a database with the help of SQL.
func file(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jobs.db")
	db := shell(t, path)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return path
}

// shell opens a database as somebody with a SQLite shell would.
func shell(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestUnsuitableFilesAreRefused shows every message, and that the file is left
// as it was.
func TestUnsuitableFilesAreRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		path    string
		want    error
		message string
	}{
		{"another application", file(t, "PRAGMA application_id=252006673"), store.ErrUnsuitable,
			"it belongs to another application (application_id 252006673); use a file of its own for jobs"},
		{"no database", text(t, "These are my notes, and they are longer than a header."), store.ErrUnsuitable, "file is not a database"},
		{"names taken", file(t, "CREATE TABLE jobs (id)", "CREATE VIEW jobs_failed AS SELECT 1"), store.ErrUnsuitable,
			"it has a table jobs, a view jobs_failed already, and later needs that name"},
		{"newer schema", file(t, "CREATE TABLE later_meta (name, value)", "INSERT INTO later_meta VALUES ('schema_version', '999')"),
			store.ErrVersion, fmt.Sprintf("the store has version 999, this program knows version %d; update the program", newest(t))},
		{"no directory", filepath.Join(t.TempDir(), "missing", "jobs.db"), store.ErrUnavailable, "unable to open database file"},
		{"a directory", t.TempDir(), store.ErrUnavailable, "unable to open database file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, _ := os.ReadFile(test.path)
			s, err := sqlite.Open(test.path)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("got  %v\nwant %v with %q", err, test.want, test.message)
			}
			if test.name != "no database" {
				return
			}
			if after, _ := os.ReadFile(test.path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func text(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenWithoutMigration(t *testing.T) {
	path := file(t)
	_, err := sqlite.Open(path, sqlite.WithoutMigration())
	if !errors.Is(err, store.ErrVersion) || !strings.Contains(err.Error(), fmt.Sprintf("this program needs version %d; run: later migrate", newest(t))) {
		t.Errorf("a new file: %v", err)
	}
	open(t, path).Close()
	open(t, path, sqlite.WithoutMigration())
}

func TestMarksItsOwnFilesOnly(t *testing.T) {
	for _, test := range []struct {
		path string
		want int
	}{
		{file(t), 0x6c617472},
		{file(t, "CREATE TABLE customers (id)"), 0}, // the user's own, jobs are guests
	} {
		open(t, test.path)
		var id int
		if err := shell(t, test.path).QueryRow("PRAGMA application_id").Scan(&id); err != nil || id != test.want {
			t.Errorf("application_id %x, want %x, %v", id, test.want, err)
		}
	}
}

// TestSeveralMigrateAtOnce: one does it, the others find it done.
func TestSeveralMigrateAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := sqlite.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// pool opens a database with the user's own settings.
func pool(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestNewOnDatabasesOfTheUser(t *testing.T) {
	few := pool(t, file(t))
	few.SetMaxOpenConns(3)
	for _, test := range []struct {
		name    string
		db      *sql.DB
		message string
	}{
		{"in memory", pool(t, ":memory:"), `use a file, or sqlite.Open(":memory:")`},
		{"few connections", few, "allows 3 connections, the store needs 4; raise SetMaxOpenConns"},
	} {
		if _, err := sqlite.New(test.db); !errors.Is(err, store.ErrUnsuitable) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: %v", test.name, err)
		}
	}

	db := pool(t, file(t))
	s, err := sqlite.New(db)
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var jobs int
	if err := db.QueryRow("SELECT count(*) FROM jobs").Scan(&jobs); err != nil || jobs != 1 {
		t.Errorf("the database of the user after Close: %d jobs, %v", jobs, err)
	}
}
