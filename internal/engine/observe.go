package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/store"
)

// Observer is told what a working JobQueue does with its store, for metrics: what
// middleware cannot see. A function that is nil is not called. They are called by the
// goroutines that do the work, several at once, and must be quick.
type Observer struct {
	// Claimed: a claim has brought so many jobs, 0 included, and took so long.
	Claimed func(jobs int, took time.Duration)
	// Stored: outcomes of attempts were offered to the store as one batch, which took
	// so long, outages included. Neither the slice nor the jobs may be kept or changed.
	Stored func(outcomes []StoredOutcome, took time.Duration)
	// Recovered: jobs were taken back from processes that died.
	Recovered func(jobs []store.Recovered)
}

// StoredOutcome is how one attempt ended. A job that was claimed and given back without
// an attempt is among them, as released and with a zero StartedAt.
type StoredOutcome struct {
	Job                   *store.Job // as it was claimed
	Outcome               string     // completed, retried, postponed, failed, cancelled or released
	StartedAt, FinishedAt time.Time
	Superseded            bool // the job had been taken from this process: nothing was stored
	Lost                  bool // it could not be stored: the job will run again
}

// Observers are those who observe one JobQueue, however often that is started.
type Observers struct {
	mu   sync.Mutex // of Add
	list atomic.Pointer[[]Observer]
}

// Add adds an observer and returns what removes it.
func (o *Observers) Add(observer Observer) (remove func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []Observer
	if old := o.list.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, observer)
	o.list.Store(&list)
	place := len(list) - 1
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		list := append([]Observer(nil), *o.list.Load()...)
		list[place] = Observer{} // the places of the others stay
		o.list.Store(&list)
	}
}

// all is nil if nobody observes: most of the time that is all that observing costs.
func (o *Observers) all() []Observer {
	if o == nil {
		return nil
	}
	if list := o.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (e *Engine) observeClaim(jobs int, began time.Time) {
	for _, o := range e.cfg.Observers.all() {
		if o.Claimed != nil {
			o.Claimed(jobs, time.Since(began))
		}
	}
}

func (e *Engine) observeStored(batch []concluded, verdicts []store.Verdict, began time.Time) {
	var outcomes []StoredOutcome
	for _, o := range e.cfg.Observers.all() {
		if o.Stored == nil {
			continue
		}
		if outcomes == nil {
			outcomes = storedOutcomes(batch, verdicts)
		}
		o.Stored(outcomes, time.Since(began))
	}
}

func storedOutcomes(batch []concluded, verdicts []store.Verdict) []StoredOutcome {
	outcomes := make([]StoredOutcome, len(batch))
	for i, c := range batch {
		outcomes[i] = StoredOutcome{
			Job: &c.held.job, Outcome: outcomeNames[c.outcome.Kind],
			StartedAt: c.outcome.StartedAt, FinishedAt: c.outcome.FinishedAt,
			Superseded: verdicts[i] == store.Superseded, Lost: verdicts[i] == 0,
		}
	}
	return outcomes
}

var outcomeNames = map[store.OutcomeKind]string{
	store.Complete: "completed", store.Retry: "retried", store.Postpone: "postponed",
	store.Fail: "failed", store.Cancel: "cancelled", store.Release: "released",
}

func (e *Engine) observeRecovered(jobs []store.Recovered) {
	if len(jobs) == 0 {
		return
	}
	for _, o := range e.cfg.Observers.all() {
		if o.Recovered != nil {
			o.Recovered(jobs)
		}
	}
}
