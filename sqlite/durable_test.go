package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// TestAcknowledgedIsSynced: whatever must survive a power failure is committed with
// synchronous=FULL, also when the transaction before could do without.
func TestAcknowledgedIsSynced(t *testing.T) {
	s := inFile(t)
	ctx, now := t.Context(), time.Now()
	job := store.NewJob{Type: "Mail", Queue: "default", Args: []byte(`{}`)}
	later := job
	later.RunAt = now.Add(time.Hour)
	var claimed []store.Job
	end := func(kind store.OutcomeKind) func() error {
		return func() error {
			o := store.Outcome{JobID: claimed[0].ID, Token: claimed[0].Token, Kind: kind, RunAt: now.Add(time.Hour)}
			_, err := s.Finish(ctx, []store.Outcome{o}, now)
			return err
		}
	}
	one := func(verb func(context.Context, store.Filter, time.Time, *store.AuditEntry) ([]int64, error)) func() error {
		return func() error { _, err := verb(ctx, store.Filter{Limit: 1}, now, nil); return err }
	}
	for _, verb := range []struct {
		name string
		call func() error
	}{
		{"Enqueue", func() error { _, err := s.Enqueue(ctx, []store.NewJob{job, later}, now); return err }},
		{"Complete", end(store.Complete)}, {"Retry", end(store.Retry)}, {"Postpone", end(store.Postpone)},
		{"Fail", end(store.Fail)}, {"Cancel an attempt", end(store.Cancel)},
		{"Cancel", func() error { _, err := s.Cancel(ctx, store.Filter{Limit: 1}, "why", now, nil); return err }},
		{"Retry by hand", one(s.Retry)},
		{"Reschedule", func() error { _, err := s.Reschedule(ctx, store.Filter{Limit: 1}, now, now, nil); return err }},
		{"Delete", func() error { _, err := s.Delete(ctx, store.Filter{Limit: 1}, nil); return err }},
		{"Pause", func() error { return s.Pause(ctx, "other", "", now, nil) }},
		{"Resume", func() error { return s.Resume(ctx, "other", nil) }},
	} {
		t.Run(verb.name, func(t *testing.T) {
			if _, err := s.Enqueue(ctx, []store.NewJob{job}, now); err != nil {
				t.Fatal(err)
			}
			var err error
			claimed, err = s.Claim(ctx, store.Demand{ProcessID: 1, Token: 7, Types: []string{"Mail"}, Limit: 1}, now)
			if err != nil || len(claimed) != 1 {
				t.Fatalf("claimed %d, %v", len(claimed), err)
			}
			wantSynchronous(t, s, 1) // a claim that is lost leaves its job where it was
			if err := verb.call(); err != nil {
				t.Fatal(err)
			}
			wantSynchronous(t, s, 2)
		})
	}
}

// wantSynchronous looks at the mode of the writer's connection: 1 is NORMAL, 2 is FULL.
func wantSynchronous(t *testing.T, s *Store, want int) {
	t.Helper()
	var mode int
	if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&mode); err != nil || mode != want {
		t.Errorf("synchronous is %d, %v; want %d", mode, err, want)
	}
}
