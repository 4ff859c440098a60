package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestUniqueWaitsForTransaction: whoever meets a key that a transaction has taken waits
// until it is known whether that holds, however long it takes; what others do goes on.
func TestUniqueWaitsForTransaction(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, commit := range []bool{false, true} {
		for _, inTx := range []bool{false, true} {
			schema := ownSchema(t, url)
			s := open(t, url, postgres.Schema(schema))
			first := begin(t, s, pgx.ReadCommitted)
			taken := offer(t, s.Tx(first), keyed("k", store.UniqueUntilDone))
			var second enqueuer = s
			var tx pgx.Tx
			if inTx {
				tx = begin(t, s, pgx.ReadCommitted)
				second = s.Tx(tx)
			}
			waiting := offerLater(t.Context(), second, keyed("k", store.UniqueUntilDone))
			waitsForLock(t, url, schema)
			for range 20 { // nobody else waits
				job := aProcessWithout(t, s)
				if verdicts, err := s.Finish(t.Context(), []store.Outcome{{JobID: job.ID, Token: job.Token, Kind: store.Complete}}, time.Time{}); err != nil || verdicts[0] != store.Accepted {
					t.Fatal(verdicts, err)
				}
			}
			if other := offer(t, s, keyed("another", store.UniqueWhileWaiting)); other.Holder != nil {
				t.Errorf("another key: %+v", other)
			}
			select {
			case a := <-waiting:
				t.Fatalf("it did not wait: %+v", a)
			case <-time.After(1200 * time.Millisecond): // longer than one try waits
			}
			end(t, first, commit)
			a := <-waiting
			if a.err != nil || (a.Holder != nil) != commit || (a.ID == taken.ID) != commit {
				t.Errorf("committed %v, in a transaction %v: %+v", commit, inTx, a)
			}
			if inTx {
				end(t, tx, true)
			}
			if holder, err := s.Holder(t.Context(), plain.Type, "k", time.Time{}); err != nil || holder != a.ID {
				t.Errorf("job %d holds the key, %v", holder, err)
			}
		}
	}
}

// aProcessWithout claims one job for a process that need not be known.
func aProcessWithout(t *testing.T, s *postgres.Store) store.Job {
	t.Helper()
	id := storeOne(t, s)
	for _, job := range claimFrom(t, s, 1) {
		if job.ID == id {
			return job
		}
	}
	t.Fatalf("job %d was not claimed", id)
	return store.Job{}
}

// TestUniqueManyWait: those who wait for a transaction leave connections to others.
func TestUniqueManyWait(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	first := begin(t, s, pgx.ReadCommitted)
	id := offer(t, s.Tx(first), keyed("k", store.UniqueUntilDone)).ID
	var waiting []<-chan answer
	for range 20 {
		waiting = append(waiting, offerLater(t.Context(), s, keyed("k", store.UniqueUntilDone)))
	}
	waitsForLock(t, url, schema)
	if _, err := s.List(t.Context(), store.Filter{}); err != nil {
		t.Error(err)
	}
	if other := offer(t, s, keyed("another", store.UniqueUntilDone)); other.Holder != nil {
		t.Errorf("another key: %+v", other)
	}
	end(t, first, true)
	for _, w := range waiting {
		if a := <-w; a.err != nil || a.ID != id {
			t.Errorf("%+v", a)
		}
	}
}

// TestUniqueWaitEnds with the caller's context, and nothing is left behind.
func TestUniqueWaitEnds(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	first := begin(t, s, pgx.ReadCommitted)
	offer(t, s.Tx(first), keyed("k", store.UniqueUntilDone))
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the caller has gone")
	waiting := offerLater(ctx, s, keyed("k", store.UniqueUntilDone))
	waitsForLock(t, url, schema)
	cancel(gone)
	if a := <-waiting; !errors.Is(a.err, gone) {
		t.Errorf("%+v", a)
	}
	brief, cancelBrief := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelBrief()
	if a := <-offerLater(brief, s, keyed("k", store.UniqueUntilDone)); !errors.Is(a.err, context.DeadlineExceeded) {
		t.Errorf("%+v", a)
	}
	end(t, first, false)
	if a := offer(t, s, keyed("k", store.UniqueUntilDone)); a.Holder != nil {
		t.Errorf("%+v", a)
	}
}

// TestUniqueWaitIsBounded: a caller without a deadline does not wait for ever for a
// transaction that somebody has forgotten.
func TestUniqueWaitIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 10 s")
	}
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	offer(t, s.Tx(begin(t, s, pgx.ReadCommitted)), keyed("k", store.UniqueUntilDone))
	a := <-offerLater(context.Background(), s, keyed("k", store.UniqueUntilDone))
	if !errors.Is(a.err, store.ErrUnavailable) {
		t.Errorf("%+v", a)
	}
}
