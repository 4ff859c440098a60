package postgres

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
)

// TestIDsAmongOthers: while others draw numbers, those of one call have gaps. Each job
// gets its own id all the same, in the store's transactions and in those of a user.
func TestIDsAmongOthers(t *testing.T) {
	s := openInside(t, "inside_gaps")
	db, err := sql.Open("pgx", pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	jobs := make([]store.NewJob, 50)
	for i := range jobs {
		jobs[i] = store.NewJob{Type: "T", Queue: "q", Args: strconv.AppendInt(nil, int64(i), 10)}
	}
	check := func(name string, gaps bool, stored []store.Enqueued, err error) {
		t.Helper()
		if err != nil || len(stored) != len(jobs) {
			t.Fatalf("%s: %d ids, %v", name, len(stored), err)
		}
		if apart := stored[len(stored)-1].ID-stored[0].ID >= int64(len(stored)); apart != gaps {
			t.Errorf("%s: ids from %d to %d", name, stored[0].ID, stored[len(stored)-1].ID)
		}
		if !slices.IsSortedFunc(stored, func(a, b store.Enqueued) int { return int(a.ID - b.ID) }) {
			t.Errorf("%s: the ids do not rise", name)
		}
		for i, one := range stored {
			if job, err := s.Get(t.Context(), one.ID); err != nil || string(job.Args) != fmt.Sprint(i) {
				t.Fatalf("%s: job %d has id %d, under which is %s, %v", name, i, one.ID, job.Args, err)
			}
		}
	}
	for step, gaps := range map[int]bool{1: false, 3: true} {
		if _, err := s.pool.Exec(t.Context(), "ALTER SEQUENCE inside_gaps.number INCREMENT BY "+strconv.Itoa(step)); err != nil {
			t.Fatal(err)
		}
		stored, err := s.Enqueue(t.Context(), jobs, time.Time{})
		check("alone", gaps, stored, err)

		tx, err := s.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stored, err = s.Tx(tx).Enqueue(t.Context(), jobs, time.Time{})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("in a transaction", gaps, stored, err)

		standard, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		stored, err = s.SQLTx(standard).Enqueue(t.Context(), jobs, time.Time{})
		if err := standard.Commit(); err != nil {
			t.Fatal(err)
		}
		check("in a transaction of database/sql", gaps, stored, err)
	}
}
