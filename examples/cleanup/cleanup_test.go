package cleanup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

func TestNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ now, want string }{
		{"2026-11-23T01:59:59+01:00", "2026-11-23T02:00:00+01:00"},
		{"2026-11-23T02:00:00+01:00", "2026-11-24T02:00:00+01:00"},
		{"2026-12-31T12:00:00+01:00", "2027-01-01T02:00:00+01:00"},
		{"2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00"}, // 02:00 does not exist that night
		{"2026-10-24T12:00:00+02:00", "2026-10-25T02:00:00+01:00"}, // it exists twice
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		got := Next(now.In(berlin))
		if want, _ := time.Parse(time.RFC3339, test.want); got.Sub(want).Abs() > time.Hour || got.Sub(now) <= 0 {
			t.Errorf("after %s: %s, want %s", test.now, got, test.want)
		}
	}
}

func TestCleansAndStoresTheNextNight(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]int{"old": 10, "new": 1} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := now.AddDate(0, 0, -age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	cleaner := Cleaner{Queue: queue}
	queue.Register(cleaner.Handler())
	first, err := cleaner.Begin(t.Context(), Args{Dir: dir, OlderThan: 7})
	if err != nil {
		t.Fatal(err)
	}
	if !first.NextRunAt.Equal(Next(now)) {
		t.Errorf("first job at %v", first.NextRunAt)
	}
	if err := queue.RunNow(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "old")); !os.IsNotExist(err) {
		t.Error("the old file is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err != nil {
		t.Error(err)
	}
	jobs, err := queue.List(t.Context(), later.Filter{Type: Daily.Name()})
	if err != nil || len(jobs) != 2 {
		t.Fatalf("jobs: %v, %v", jobs, err)
	}
	if jobs[0].Status != later.StatusScheduled || jobs[1].Status != later.StatusCompleted {
		t.Errorf("next night's job is %s, this night's %s: %s", jobs[0].Status, jobs[1].Status, jobs[1].Error)
	}
}
