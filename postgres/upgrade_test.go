package postgres_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// newest is the number of the newest migration.
func newest(t *testing.T) int {
	t.Helper()
	scripts, err := filepath.Glob("migrations/*.up.sql")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no migrations", err)
	}
	return len(scripts)
}

// TestJobsOutliveMigrations: down to the first version and up again, as for a program
// that turned out to be wrong.
func TestJobsOutliveMigrations(t *testing.T) {
	url := database(t, pgtest.URL(t), "outlive", "")
	s := open(t, url)
	jobs := []store.NewJob{{Type: "Mail", Queue: "default", Args: []byte(`{"n":1}`), MaxRetries: 3}}
	stored, err := s.Enqueue(t.Context(), jobs, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, version := range []int{1, newest(t)} {
		if err := postgres.MigrateTo(t.Context(), poolFor(t, url), version); err != nil {
			t.Fatal(err)
		}
	}
	job, err := open(t, url).Get(t.Context(), stored[0].ID)
	if err != nil || job.Status != store.Pending || string(job.Args) != `{"n":1}` || job.MaxRetries != 3 {
		t.Errorf("%+v, %v", job, err)
	}
}
