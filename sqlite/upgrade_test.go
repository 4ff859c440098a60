package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// newest is the number of the newest migration.
func newest(t *testing.T) int {
	t.Helper()
	scripts, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no migrations", err)
	}
	return len(scripts)
}

// TestJobsOutliveMigrations: a file of the first version, with a job, is opened by
// this program.
func TestJobsOutliveMigrations(t *testing.T) {
	first, err := os.ReadFile("migrations/0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := file(t, string(first), "INSERT INTO later_meta (name, value) VALUES ('schema_version', '1')",
		"PRAGMA application_id = "+applicationID(t),
		`INSERT INTO later_job (id, type, queue, priority, args, max_retries, timeout_us, queued_at) VALUES (1, 'Mail', 'default', 0, '{"n":1}', 3, 0, 1e15)`,
		"INSERT INTO later_ready (job_id, queue, type, priority, position, attempt, crashes) VALUES (1, 'default', 'Mail', 0, 1, 0, 0)")
	if _, err := sqlite.Open(path, sqlite.WithoutMigration()); !errors.Is(err, store.ErrVersion) {
		t.Errorf("opened without the migration: %v", err)
	}
	s := open(t, path)
	job, err := s.Get(t.Context(), 1)
	if err != nil || job.Status != store.Pending || string(job.Args) != `{"n":1}` || job.MaxRetries != 3 || job.Options != nil {
		t.Errorf("%+v, %v", job, err)
	}
}

// applicationID marks a file as ours.
func applicationID(t *testing.T) string {
	t.Helper()
	path := file(t)
	open(t, path).Close()
	var id string
	if err := shell(t, path).QueryRow("PRAGMA application_id").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}
