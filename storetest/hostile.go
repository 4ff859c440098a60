package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

var hostileChecks = []check{
	{"nothing in, nothing out", hostileNothing},
	{"ten thousand jobs in one call", hostileMany},
	{"an error of 64 KiB", hostileError},
	{"a thousand outcomes in one call", hostileOutcomes},
	{"a caller who has gone is told so", hostileGone},
	{"a clock that jumps back loses nothing", hostileClock},
}

func hostileNothing(t *trial) {
	t.equal("jobs", t.enqueue(), []int64{})
	t.equal("verdicts", t.finish(), []store.Verdict{})
	t.must("Report", t.store.Report(t.Context(), nil, enqueuedAt))
	t.enqueue(plain())
	for _, d := range []store.Demand{{Limit: 0}, {Limit: -1}, {Limit: 1, Types: []string{}}, {Limit: 1, Queues: map[string]int{}}, {Limit: 1, Queues: map[string]int{"default": 0}}} {
		t.equal("claimed jobs", len(t.claim(d)), 0)
	}
}

func hostileMany(t *trial) {
	ids := t.enqueue(many(10_000, plain())...)
	for i := range ids[1:] {
		if ids[i+1] <= ids[i] {
			t.Fatalf("ids do not rise: %d after %d", ids[i+1], ids[i])
		}
	}
	t.equal("pending", t.stats().Counts[store.Pending], int64(10_000))
	t.equal("a page", len(t.list(store.Filter{Limit: 20_000})), 10_000)
}

func hostileError(t *trial) {
	job := t.running(plain())
	failed := outcome(job, store.Fail)
	failed.Error, failed.Stack = strings.Repeat("é", 32<<10), strings.Repeat("\x01", 64<<10)
	t.accept(failed)
	t.equal("error", t.get(job.ID).Error, failed.Error)
	t.equal("stack", t.attempts(job.ID)[0].Stack, failed.Stack)
}

func hostileOutcomes(t *trial) {
	t.knowWorker()
	t.enqueue(many(1000, plain())...)
	var outcomes []store.Outcome
	for i, job := range t.claim(store.Demand{Limit: 1000}) {
		outcomes = append(outcomes, outcome(job, kinds[i%len(kinds)].kind))
	}
	for i, verdict := range t.finish(outcomes...) {
		if verdict != store.Accepted {
			t.Fatalf("outcome %d of 1000: verdict %d", i, verdict)
		}
	}
	total := int64(0)
	for _, n := range t.stats().Counts {
		total += n
	}
	t.equal("jobs", total, int64(1000))
	t.equal("running", t.stats().Counts[store.Running], int64(0))
}

func hostileGone(t *trial) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for verb, call := range map[string]func() error{
		"Enqueue": func() error { _, err := t.store.Enqueue(ctx, []store.NewJob{plain()}, enqueuedAt); return err },
		"Get":     func() error { _, err := t.store.Get(ctx, 1); return err },
		"List":    func() error { _, err := t.store.List(ctx, store.Filter{}); return err },
		"Search":  func() error { _, err := t.store.Search(ctx, store.Filter{}, store.Reach{}); return err },
		"Count":   func() error { _, err := t.store.Count(ctx, store.Filter{}, nil, store.Reach{}); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s with a cancelled context: %v", verb, err)
		}
	}
	t.enqueue(plain()) // the store lives on
}

func hostileClock(t *trial) {
	t.knowWorker()
	first := t.enqueueAt(at(time.Hour), plain())[0]
	second := t.enqueueAt(at(0), plain())[0]
	t.equal("claimed jobs", idsOf(t.claimAt(at(-time.Hour), store.Demand{Limit: 2})), []int64{first, second})
}

var raceChecks = []check{
	{"no job is claimed twice", raceClaims},
	{"an outcome is accepted once however many offer it", raceOutcomes},
	{"imports and new jobs share no id", raceImports},
}

func raceClaims(t *trial) {
	const jobs, claimers = 400, 8
	t.knowWorker()
	t.enqueue(many(jobs, plain())...)
	var mu sync.Mutex
	seen := map[int64]int{}
	var all sync.WaitGroup
	for range claimers {
		all.Go(func() {
			for {
				claimed, err := t.store.Claim(t.Context(), store.Demand{
					ProcessID: worker, Token: t.tokens.Add(1), Types: []string{"Mail"}, Limit: 7,
				}, claimedAt)
				if err != nil {
					t.Errorf("Claim: %v", err)
					return
				}
				if len(claimed) == 0 {
					return
				}
				mu.Lock()
				for _, job := range claimed {
					seen[job.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.equal("jobs claimed", len(seen), jobs)
	for id, times := range seen {
		if times != 1 {
			t.Fatalf("job %d was claimed %d times", id, times)
		}
	}
}

func raceOutcomes(t *trial) {
	job := t.running(plain())
	kinds := []store.OutcomeKind{store.Complete, store.Fail, store.Cancel, store.Retry}
	var all sync.WaitGroup
	for _, kind := range kinds {
		all.Go(func() {
			if _, err := t.store.Finish(t.Context(), []store.Outcome{outcome(job, kind)}, finishedAt); err != nil {
				t.Errorf("Finish: %v", err)
			}
		})
	}
	all.Wait()
	got := t.get(job.ID)
	t.equal("attempt", got.Attempt, 1)
	if rows := len(t.attempts(job.ID)); rows > 1 {
		t.Fatalf("one claim left %d attempts", rows)
	}
}

// raceImports: each import is just ahead of the ids that are given out meanwhile.
func raceImports(t *trial) {
	const times = 40
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for range times {
				if _, err := t.store.Enqueue(t.Context(), []store.NewJob{plain(), dueIn(time.Hour)}, enqueuedAt); err != nil {
					t.Errorf("Enqueue: %v", err)
				}
			}
		})
	}
	all.Go(func() {
		for n := range int64(times) {
			enqueued, err := t.store.Enqueue(t.Context(), []store.NewJob{plain()}, enqueuedAt)
			if err != nil {
				t.Errorf("Enqueue: %v", err)
				return
			}
			if err := t.store.Import(t.Context(), []store.Record{aRecord(enqueued[0].ID + n%4)}); err != nil {
				t.Errorf("Import: %v", err)
			}
		}
	})
	all.Wait()
	jobs := t.exportAll(100)
	if len(jobs) < 7*times || len(jobs) > 8*times {
		t.Fatalf("%d jobs are stored", len(jobs))
	}
	t.equal("counted", t.stats().Counts[store.Pending]+t.stats().Counts[store.Scheduled], int64(len(jobs)))
}
