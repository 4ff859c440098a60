package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// keyed is a job with a unique key.
func keyed(key string, scope store.UniqueScope) store.NewJob {
	job := plain
	job.Options = &store.Options{Unique: &store.Unique{Key: key, Scope: scope}}
	if scope == store.UniquePeriod {
		job.Options.Unique.Period = time.Hour
	}
	return job
}

// enqueuer is a store or a transaction.
type enqueuer interface {
	Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error)
}

func offer(t *testing.T, to enqueuer, job store.NewJob) store.Enqueued {
	t.Helper()
	enqueued, err := to.Enqueue(t.Context(), []store.NewJob{job}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return enqueued[0]
}

// answer is that of an enqueue that goes on by itself.
type answer struct {
	store.Enqueued
	err error
}

func offerLater(ctx context.Context, to enqueuer, job store.NewJob) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		enqueued, err := to.Enqueue(ctx, []store.NewJob{job}, time.Time{})
		if err != nil {
			answers <- answer{err: err}
			return
		}
		answers <- answer{Enqueued: enqueued[0]}
	}()
	return answers
}

func begin(t *testing.T, s *postgres.Store, level pgx.TxIsoLevel) pgx.Tx {
	t.Helper()
	tx, err := s.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback(context.Background()) })
	return tx
}

func end(t *testing.T, tx pgx.Tx, commit bool) {
	t.Helper()
	how := tx.Rollback
	if commit {
		how = tx.Commit
	}
	if err := how(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// countKeys is how many rows there are, of whatever scope.
func countKeys(t *testing.T, s *postgres.Store, schema string) (n int) {
	t.Helper()
	if err := s.Pool().QueryRow(t.Context(), "SELECT count(*) FROM "+schema+".unique_key").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestUniqueManyAtOnce: of many who enqueue the same key at once, over several
// connections, one stores a job, and all others are told of that.
func TestUniqueManyAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	manyAtOnce(t, func() *postgres.Store { return open(t, url, postgres.Schema(schema)) })
}

// TestUniqueThroughBouncer: the same through PgBouncer in transaction mode.
func TestUniqueThroughBouncer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema, pooled := ownSchema(t, url), pgtest.Bouncer(t, url)
	manyAtOnce(t, func() *postgres.Store { return open(t, pooled, postgres.Schema(schema), silent) })
}

func manyAtOnce(t *testing.T, openOne func() *postgres.Store) {
	t.Helper()
	stores := []*postgres.Store{openOne(), openOne(), openOne()}
	for _, scope := range []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod} {
		const callers = 50
		answers := make([]<-chan answer, callers)
		for i := range answers {
			answers[i] = offerLater(t.Context(), stores[i%len(stores)], keyed("key "+string(scope), scope))
		}
		fresh, ids := 0, map[int64]bool{}
		for _, waiting := range answers {
			a := <-waiting
			if a.err != nil {
				t.Fatal(a.err)
			}
			if ids[a.ID] = true; a.Holder == nil {
				fresh++
			}
		}
		if fresh != 1 || len(ids) != 1 {
			t.Errorf("%s: %d jobs were stored, and the answers name %d", scope, fresh, len(ids))
		}
	}
}

// TestUniqueBatchesAtOnce: batches with the same keys in other orders do not block each
// other, and each key has one holder.
func TestUniqueBatchesAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	const batches, keys = 8, 40
	var mu sync.Mutex
	var all sync.WaitGroup
	stored := map[string]int{}
	for b := range batches {
		all.Go(func() {
			jobs := make([]store.NewJob, keys)
			for i := range jobs {
				jobs[i] = keyed(fmt.Sprint("key ", (i*(2*b+1)+b)%keys), store.UniqueUntilDone)
			}
			enqueued, err := s.Enqueue(t.Context(), jobs, time.Time{})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for i, e := range enqueued {
				if e.Holder == nil {
					stored[jobs[i].Options.Unique.Key]++
				}
			}
		})
	}
	all.Wait()
	if len(stored) != keys {
		t.Errorf("%d keys of %d have a holder", len(stored), keys)
	}
	for key, n := range stored {
		if n != 1 {
			t.Errorf("%s has %d holders", key, n)
		}
	}
}

// TestUniqueIsolation: with an old snapshot a transaction does not see the holder. It is
// told to begin anew; in no case are there two.
func TestUniqueIsolation(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		s := open(t, url, inOwnSchema(t, url))
		tx := begin(t, s, level)
		if _, err := tx.Exec(t.Context(), "SELECT count(*) FROM pg_class"); err != nil { // the snapshot
			t.Fatal(err)
		}
		holder := offer(t, s, keyed("k", store.UniqueUntilDone)).ID
		enqueued, err := s.Tx(tx).Enqueue(t.Context(), []store.NewJob{keyed("k", store.UniqueUntilDone)}, time.Time{})
		switch {
		case level == pgx.ReadCommitted && (err != nil || enqueued[0].ID != holder):
			t.Errorf("%s: %+v, %v", level, enqueued, err)
		case level != pgx.ReadCommitted && !errors.Is(err, store.ErrUnavailable):
			t.Errorf("%s: %+v, %v", level, enqueued, err)
		}
		again := begin(t, s, level)
		if met := offer(t, s.Tx(again), keyed("k", store.UniqueUntilDone)); met.ID != holder {
			t.Errorf("%s, begun anew: %+v", level, met)
		}
	}
}

// TestUniqueTransactionGoesOn after an enqueue that failed for a duplicate: it has
// stored nothing, and has taken no key.
func TestUniqueTransactionGoesOn(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	offer(t, s, keyed("z", store.UniqueUntilDone))
	tx := begin(t, s, pgx.ReadCommitted)
	refused := keyed("z", store.UniqueUntilDone)
	refused.OnConflict = store.ConflictFail
	_, err := s.Tx(tx).Enqueue(t.Context(), []store.NewJob{keyed("a", store.UniqueUntilDone), refused}, time.Time{})
	if !errors.Is(err, store.ErrDuplicate) {
		t.Fatal(err)
	}
	end(t, tx, true)
	if n := countKeys(t, s, schema); n != 1 {
		t.Errorf("%d keys are taken", n)
	}
}

// TestUniqueEndWaitsForNobody: that a transaction has met the holder, or has tried to,
// does not hold up the holder's end.
func TestUniqueEndWaitsForNobody(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	id := offer(t, s, keyed("k", store.UniqueUntilDone)).ID
	tx := begin(t, s, pgx.ReadCommitted)
	if met := offer(t, s.Tx(tx), keyed("k", store.UniqueUntilDone)); met.ID != id {
		t.Fatalf("%+v", met)
	}
	job := claimFrom(t, s, 1)[0]
	outcome := store.Outcome{JobID: job.ID, Token: job.Token, Kind: store.Complete, Unique: true}
	if verdicts, err := s.Finish(t.Context(), []store.Outcome{outcome}, time.Time{}); err != nil || verdicts[0] != store.Accepted {
		t.Fatal(verdicts, err)
	}
	end(t, tx, true)
	if next := offer(t, s, keyed("k", store.UniqueUntilDone)); next.Holder != nil {
		t.Errorf("%+v", next)
	}
}

// TestUniqueEndInTransaction: a holder that is completed in a transaction holds its key
// until that commits, and goes on if it rolls back.
func TestUniqueEndInTransaction(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, commit := range []bool{false, true} {
		schema := ownSchema(t, url)
		s := open(t, url, postgres.Schema(schema))
		id := offer(t, s, keyed("k", store.UniqueUntilDone)).ID
		job := claimFrom(t, s, 1)[0]
		tx := begin(t, s, pgx.ReadCommitted)
		outcome := store.Outcome{JobID: job.ID, Token: job.Token, Kind: store.Complete, Unique: true}
		if verdicts, err := s.Tx(tx).Finish(t.Context(), []store.Outcome{outcome}, time.Time{}); err != nil || verdicts[0] != store.Accepted {
			t.Fatal(verdicts, err)
		}
		waiting := offerLater(t.Context(), s, keyed("k", store.UniqueUntilDone))
		waitsForLock(t, url, schema)
		end(t, tx, commit)
		if a := <-waiting; a.err != nil || (a.ID == id) == commit {
			t.Errorf("committed %v: %+v", commit, a)
		}
	}
}

// TestUniqueReplaceMeetsClaim: while a transaction replaces a job nobody gets it with
// its old arguments.
func TestUniqueReplaceMeetsClaim(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	id := offer(t, s, keyed("k", store.UniqueUntilDone)).ID
	tx := begin(t, s, pgx.ReadCommitted)
	by := keyed("k", store.UniqueUntilDone)
	by.Args, by.OnConflict = []byte(`{"n":2}`), store.ConflictReplace
	if met := offer(t, s.Tx(tx), by); met.ID != id || !met.Replaced {
		t.Fatalf("%+v", met)
	}
	if got := claimFrom(t, s, 1); len(got) != 0 {
		t.Fatalf("claimed %+v", got)
	}
	end(t, tx, true)
	for deadline := time.Now().Add(30 * time.Second); ; {
		if got := claimFrom(t, s, 1); len(got) == 1 {
			if string(got[0].Args) != `{"n":2}` {
				t.Errorf("claimed with %s", got[0].Args)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it was not claimed after the commit")
		}
	}
}

// TestUniqueRowsThatAreVoid: a key whose job somebody has deleted by hand, or that an
// older program has not freed, is free.
func TestUniqueRowsThatAreVoid(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for _, scope := range []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod} {
		for name, spoil := range map[string]string{
			"the job is gone":              "DELETE FROM %s.job",
			"the job has finished":         "INSERT INTO %[1]s.finished (job_id, finished_at, status, attempt, crashes) SELECT id, now(), 1, 1, 0 FROM %[1]s.job; DELETE FROM %[1]s.ready",
			"the job was claimed":          "DELETE FROM %[1]s.ready; INSERT INTO %[1]s.claimed (job_id, token, process_id, claimed_at, position, priority, attempt, crashes, queue, type) SELECT id, 1, 1, now(), 1, 0, 0, 0, queue, type FROM %[1]s.job",
			"its options are not readable": `UPDATE %s.job SET options = '[1, "\u0000"]'`,
		} {
			schema := ownSchema(t, url)
			s := open(t, url, postgres.Schema(schema))
			offer(t, s, keyed("k", scope))
			exec(t, url, fmt.Sprintf(spoil, schema))
			void := map[string][]store.UniqueScope{
				"the job is gone":      {store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod},
				"the job has finished": {store.UniqueUntilDone, store.UniqueWhileWaiting},
				"the job was claimed":  {store.UniqueWhileWaiting},
			}[name]
			wanted := false
			for _, each := range void {
				wanted = wanted || each == scope
			}
			if free := offer(t, s, keyed("k", scope)).Holder == nil; free != wanted {
				t.Errorf("%s, %s: free %v", scope, name, free)
			}
			if n := countKeys(t, s, schema); n != 1 {
				t.Errorf("%s, %s: %d rows", scope, name, n)
			}
			if _, err := s.Pool().Exec(t.Context(), "SELECT * FROM "+schema+".jobs"); err != nil {
				t.Errorf("%s, %s: %v", scope, name, err)
			}
		}
	}
}
