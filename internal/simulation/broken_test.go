package simulation

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// broken is a store with one verb replaced; nil functions change nothing.
type broken struct {
	store.Store
	enqueue func(store.Store, context.Context, []store.NewJob, time.Time) ([]store.Enqueued, error)
	claim   func(store.Store, context.Context, store.Demand, time.Time) ([]store.Job, error)
	finish  func(store.Store, context.Context, []store.Outcome, time.Time) ([]store.Verdict, error)
	beat    func(store.Store, context.Context, int64, store.ProcessState, time.Time) (store.Beaten, error)
	leave   func(store.Store, context.Context, int64, time.Time) error
	recover func(store.Store, context.Context, []store.Silent, time.Time) ([]store.Recovered, error)
	promote func(store.Store, context.Context, int, time.Time) (store.Promoted, error)
	pause   func(store.Store, context.Context, string, string, time.Time) error
	stats   func(store.Store, context.Context) (store.Stats, error)
}

func (b *broken) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if b.enqueue != nil {
		return b.enqueue(b.Store, ctx, jobs, now)
	}
	return b.Store.Enqueue(ctx, jobs, now)
}

func (b *broken) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if b.claim != nil {
		return b.claim(b.Store, ctx, d, now)
	}
	return b.Store.Claim(ctx, d, now)
}

func (b *broken) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if b.finish != nil {
		return b.finish(b.Store, ctx, outcomes, now)
	}
	return b.Store.Finish(ctx, outcomes, now)
}

func (b *broken) Beat(ctx context.Context, id int64, state store.ProcessState, now time.Time) (store.Beaten, error) {
	if b.beat != nil {
		return b.beat(b.Store, ctx, id, state, now)
	}
	return b.Store.Beat(ctx, id, state, now)
}

func (b *broken) Leave(ctx context.Context, id int64, now time.Time) error {
	if b.leave != nil {
		return b.leave(b.Store, ctx, id, now)
	}
	return b.Store.Leave(ctx, id, now)
}

func (b *broken) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	if b.recover != nil {
		return b.recover(b.Store, ctx, silent, now)
	}
	return b.Store.Recover(ctx, silent, now)
}

func (b *broken) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	if b.promote != nil {
		return b.promote(b.Store, ctx, limit, now)
	}
	return b.Store.Promote(ctx, limit, now)
}

func (b *broken) Pause(ctx context.Context, queue, reason string, now time.Time, by *store.AuditEntry) error {
	if b.pause != nil {
		return b.pause(b.Store, ctx, queue, reason, now)
	}
	return b.Store.Pause(ctx, queue, reason, now, by)
}

func (b *broken) Stats(ctx context.Context) (store.Stats, error) {
	if b.stats != nil {
		return b.stats(b.Store, ctx)
	}
	return b.Store.Stats(ctx)
}

// with is a Break of one verb.
func with(b broken) Break {
	return Break{Store: func(s store.Store) store.Store {
		b := b
		b.Store = s
		return &b
	}}
}

// breaks are mistakes that a store or an engine could have. Several are those that
// peers have had.
var breaks = map[string]Break{
	"any token ends a claim": with(broken{finish: func(s store.Store, ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
		outcomes = slices.Clone(outcomes)
		for i, o := range outcomes {
			if job, err := s.Get(ctx, o.JobID); err == nil && job.Status == store.Running {
				outcomes[i].Token = job.Token
			}
		}
		return s.Finish(ctx, outcomes, now)
	}}),
	"an acknowledged job is lost": with(broken{enqueue: func(s store.Store, ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
		answers, err := s.Enqueue(ctx, jobs, now)
		if err == nil && answers[0].ID%20 == 0 {
			_, err = s.Delete(ctx, store.Filter{IDs: []int64{answers[0].ID}}, nil)
		}
		return answers, err
	}}),
	"a job is stored twice": with(broken{enqueue: func(s store.Store, ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
		if jobs[0].MaxRetries == 0 {
			_, _ = s.Enqueue(ctx, jobs, now)
		}
		return s.Enqueue(ctx, jobs, now)
	}}),
	"a late beat does not save a process": with(broken{recover: func(s store.Store, ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
		processes, err := s.Processes(ctx)
		silent = slices.Clone(silent)
		for i := range silent {
			for _, p := range processes {
				if p.ID == silent[i].ProcessID {
					silent[i].Beat = p.Beat
				}
			}
		}
		if err != nil {
			return nil, err
		}
		return s.Recover(ctx, silent, now)
	}}),
	"nobody is declared dead": with(broken{recover: func(s store.Store, ctx context.Context, _ []store.Silent, now time.Time) ([]store.Recovered, error) {
		return s.Recover(ctx, nil, now)
	}}),
	"a crash burns an attempt": with(broken{recover: func(s store.Store, ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
		jobs, err := s.List(ctx, store.Filter{Status: []store.JobStatus{store.Running}})
		for _, job := range jobs {
			if err == nil && slices.ContainsFunc(silent, func(s store.Silent) bool { return s.ProcessID == job.ProcessID }) {
				_, err = s.Finish(ctx, []store.Outcome{{JobID: job.ID, Token: job.Token, Kind: store.Retry, RunAt: now}}, now)
			}
		}
		if err != nil {
			return nil, err
		}
		return s.Recover(ctx, silent, now)
	}}),
	"a release burns an attempt": with(broken{finish: func(s store.Store, ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
		outcomes = slices.Clone(outcomes)
		for i, o := range outcomes {
			if o.Kind == store.Release {
				outcomes[i].Kind, outcomes[i].RunAt = store.Retry, now
			}
		}
		return s.Finish(ctx, outcomes, now)
	}}),
	"a claimed job is handed out again": with(broken{claim: func(s store.Store, ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
		jobs, err := s.Claim(ctx, d, now)
		running, _ := s.List(ctx, store.Filter{Status: []store.JobStatus{store.Running}})
		if err == nil && len(jobs) == 0 && len(running) > 0 && running[0].ProcessID != d.ProcessID && !d.Suspects {
			jobs = append(jobs, running[0])
		}
		return jobs, err
	}}),
	"suspects are claimed with others": with(broken{claim: func(s store.Store, ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
		jobs, err := s.Claim(ctx, d, now)
		if err == nil && len(jobs) == 0 && !d.Suspects {
			d.Suspects = true
			return s.Claim(ctx, d, now)
		}
		return jobs, err
	}}),
	"more is claimed than asked for": with(broken{claim: func(s store.Store, ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
		d.Limit++
		return s.Claim(ctx, d, now)
	}}),
	"paused queues go on": with(broken{pause: func(store.Store, context.Context, string, string, time.Time) error { return nil }}),
	"jobs start before their time": with(broken{promote: func(s store.Store, ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
		return s.Promote(ctx, limit, now.Add(time.Second))
	}}),
	"jobs never become due": with(broken{promote: func(store.Store, context.Context, int, time.Time) (store.Promoted, error) {
		return store.Promoted{}, nil
	}}),
	"heartbeats hide cancel requests": with(broken{beat: func(s store.Store, ctx context.Context, id int64, state store.ProcessState, now time.Time) (store.Beaten, error) {
		beaten, err := s.Beat(ctx, id, state, now)
		beaten.Cancels = nil
		return beaten, err
	}}),
	"the dead may beat": with(broken{beat: func(s store.Store, ctx context.Context, id int64, state store.ProcessState, now time.Time) (store.Beaten, error) {
		beaten, err := s.Beat(ctx, id, state, now)
		if errors.Is(err, store.ErrProcessGone) {
			return store.Beaten{}, nil
		}
		return beaten, err
	}}),
	"a leaving process takes others along": with(broken{leave: func(s store.Store, ctx context.Context, id int64, now time.Time) error {
		processes, err := s.Processes(ctx)
		for _, p := range processes {
			err = errors.Join(err, s.Leave(ctx, p.ID, now))
		}
		return err
	}}),
	"an accepted outcome is called superseded": with(broken{finish: func(s store.Store, ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
		verdicts, err := s.Finish(ctx, outcomes, now)
		for i, v := range verdicts {
			if v == store.Repeated {
				verdicts[i] = store.Superseded
			}
		}
		return verdicts, err
	}}),
	"the pending are counted twice": with(broken{stats: func(s store.Store, ctx context.Context) (store.Stats, error) {
		stats, err := s.Stats(ctx)
		stats.Counts[store.Completed]++
		return stats, err
	}}),
	"claims whose answer was lost are never given back": {Hides: func(heard bool) bool { return !heard }},
	"heartbeats hide every claim":                       {Hides: func(bool) bool { return true }},
	"every other process fences itself too late": {Engine: func(process int, c *engine.Config) {
		if process%2 == 0 {
			c.TimeToDie *= 10
		}
	}},
	"every other process declares others dead too early": {Engine: func(process int, c *engine.Config) {
		if process%2 == 0 {
			c.Heartbeat, c.TimeToDie = c.Heartbeat/2, c.TimeToDie/2
		}
	}},
	"a process takes its time to stop": {Engine: func(_ int, c *engine.Config) { c.HardStop *= 2 }},
}

// rare are mistakes that few seeds find, and one that does: the search begins there. What
// draws other numbers from a seed, such as a new loop of the engine, makes another one of
// it: the log of the test names it.
var rare = map[string]uint64{
	"a late beat does not save a process": 865,
	"a process takes its time to stop":    121,
}

// TestMistakesAreFound: for each some seed finds it, so no rule is for show.
func TestMistakesAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	const enough = 500
	for name, mistake := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := max(1, rare[name])
			for seed := range uint64(enough) {
				if result := Run(t, first+seed, mistake); len(result.Violations) > 0 {
					t.Logf("found by seed %d: %s", first+seed, result.Violations[0])
					return
				}
			}
			t.Errorf("%d seeds have not found it", enough)
		})
	}
}
