package transaction

import (
	"context"
	"errors"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/sqlite"
)

func accounts(t *testing.T, queue func(*sqlite.Store) *later.JobQueue) (*Accounts, *later.JobQueue) {
	t.Helper()
	store, err := sqlite.Open(t.TempDir() + "/app.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	q := queue(store)
	a, err := New(t.Context(), store, q)
	if err != nil {
		t.Fatal(err)
	}
	return a, q
}

func idle(store *sqlite.Store) *later.JobQueue { return later.New(store, later.Config{}) }

func TestBothAreStored(t *testing.T) {
	a, queue := accounts(t, idle)
	if err := a.SignUp(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	jobs := latertest.Enqueued(t, queue, WelcomeEmail)
	if len(jobs) != 1 || jobs[0].Args.Email != "ada@example.com" {
		t.Errorf("jobs: %+v", jobs)
	}
}

func TestNeitherIsStored(t *testing.T) {
	a, queue := accounts(t, idle)
	if err := a.SignUp(t.Context(), "not an address"); !errors.Is(err, later.ErrInvalidArgs) {
		t.Errorf("error: %v", err)
	}
	if err := a.SignUp(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := a.SignUp(t.Context(), "ada@example.com"); err == nil {
		t.Error("the second account of one address was stored")
	}
	if jobs := latertest.Enqueued(t, queue, WelcomeEmail); len(jobs) != 1 {
		t.Errorf("%d jobs", len(jobs))
	}
	var stored int
	row := a.store.DB().QueryRowContext(t.Context(), "SELECT count(*) FROM accounts")
	if err := row.Scan(&stored); err != nil || stored != 1 {
		t.Errorf("%d accounts, %v", stored, err)
	}
}

// TestJobOfATransactionIsPerformed: the commit wakes the queue.
func TestJobOfATransactionIsPerformed(t *testing.T) {
	greeted := make(chan string, 1)
	a, _ := accounts(t, func(store *sqlite.Store) *later.JobQueue {
		queue := later.New(store, later.Config{})
		queue.Register(WelcomeEmail.Do(func(_ context.Context, args WelcomeArgs) error {
			greeted <- args.Email
			return nil
		}))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { queue.Stop(context.Background()) })
		return queue
	})
	if err := a.SignUp(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if email := <-greeted; email != "ada@example.com" {
		t.Errorf("greeted %s", email)
	}
}
