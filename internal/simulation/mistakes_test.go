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
	"heartbeats hide cancel requests": with(broken{beat: func(s store.Store, ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
		beaten, err := s.Beat(ctx, h, now)
		beaten.Cancels = nil
		return beaten, err
	}}),
	"the dead may beat": with(broken{beat: func(s store.Store, ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
		beaten, err := s.Beat(ctx, h, now)
		if errors.Is(err, store.ErrProcessGone) {
			return store.Beaten{}, nil
		}
		return beaten, err
	}}),
	"claims that a process does not know are never searched for": with(broken{beat: func(s store.Store, ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
		h.Search = false
		return s.Beat(ctx, h, now)
	}}),
	"a heartbeat confirms whatever it is told": with(broken{beat: func(s store.Store, ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
		beaten, err := s.Beat(ctx, h, now)
		if err == nil && !h.Search {
			beaten.Claims = h.Held
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
	"a step that is done is not found": with(broken{steps: func(s store.Store, ctx context.Context, id int64) ([]store.Step, error) {
		steps, err := s.Steps(ctx, id)
		return steps[:max(0, len(steps)-1)], err
	}}),
	"a step comes back with another result": with(broken{steps: func(s store.Store, ctx context.Context, id int64) ([]store.Step, error) {
		steps, err := s.Steps(ctx, id)
		for i := range steps {
			steps[i].Result = steps[len(steps)-1].Result
		}
		return steps, err
	}}),
	"any token records steps": with(broken{save: func(s store.Store, ctx context.Context, id, token int64, steps []store.Step, now time.Time) error {
		if job, err := s.Get(ctx, id); err == nil && job.Status == store.Running {
			token = job.Token
		}
		return s.SaveSteps(ctx, id, token, steps, now)
	}}),
	"a step is acknowledged and not recorded": with(broken{save: func(s store.Store, ctx context.Context, id, token int64, steps []store.Step, now time.Time) error {
		if len(steps) > 0 && steps[0].Name == "step 2" {
			return nil
		}
		return s.SaveSteps(ctx, id, token, steps, now)
	}}),
	"keys mean nothing": with(broken{enqueue: func(s store.Store, ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
		jobs = slices.Clone(jobs)
		for i := range jobs {
			jobs[i].Options = nil
		}
		return s.Enqueue(ctx, jobs, now)
	}}),
	"a running job has let go of its key": with(broken{enqueue: func(s store.Store, ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
		jobs = slices.Clone(jobs)
		for i, n := range jobs {
			if key := n.Options.UniqueKey(); key != nil && key.Scope == store.UniqueUntilDone {
				waiting := *key
				waiting.Scope = store.UniqueWhileWaiting
				options := *n.Options
				options.Unique = &waiting
				jobs[i].Options = &options
			}
		}
		return s.Enqueue(ctx, jobs, now)
	}}),
	"keys are never let go of": with(broken{enqueue: func(s store.Store, ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
		jobs = slices.Clone(jobs)
		for i, n := range jobs {
			if key := n.Options.UniqueKey(); key != nil {
				forever := *key
				forever.Scope, forever.Period = store.UniquePeriod, 24*time.Hour
				options := *n.Options
				options.Unique = &forever
				jobs[i].Options = &options
			}
		}
		return s.Enqueue(ctx, jobs, now)
	}}),
	"who should fail is turned away silently": with(broken{enqueue: func(s store.Store, ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
		jobs = slices.Clone(jobs)
		for i := range jobs {
			jobs[i].OnConflict = store.ConflictKeep
		}
		return s.Enqueue(ctx, jobs, now)
	}}),
	"a tick has two jobs": with(broken{tick: func(s store.Store, ctx context.Context, ticks []store.Tick, now time.Time) ([]store.Ticked, error) {
		ticked, err := s.Tick(ctx, ticks, now, nil)
		if err == nil && ticked[0].Accepted && len(ticks[0].Jobs) > 0 {
			_, err = s.Enqueue(ctx, []store.NewJob{ticks[0].Jobs[0].Job}, now)
		}
		return ticked, err
	}}),
	"a tick that was taken is taken again": with(broken{tick: func(s store.Store, ctx context.Context, ticks []store.Tick, now time.Time) ([]store.Ticked, error) {
		var jobs []store.NewJob
		for _, t := range ticks {
			for _, job := range t.Jobs {
				jobs = append(jobs, job.Job)
			}
		}
		ticked, err := s.Tick(ctx, ticks, now, nil)
		if err == nil && !ticked[0].Accepted {
			_, err = s.Enqueue(ctx, jobs, now)
		}
		return ticked, err
	}}),
	"a tick is dealt with and its job is lost": with(broken{tick: func(s store.Store, ctx context.Context, ticks []store.Tick, now time.Time) ([]store.Ticked, error) {
		ticks = slices.Clone(ticks)
		for i := range ticks {
			if ticks[i].Schedule.LastTick.Minute()%2 == 1 {
				ticks[i].Jobs = nil
			}
		}
		return s.Tick(ctx, ticks, now, nil)
	}}),
	"no tick is taken": with(broken{tick: func(s store.Store, ctx context.Context, ticks []store.Tick, now time.Time) ([]store.Ticked, error) {
		return make([]store.Ticked, len(ticks)), nil
	}}),
	"a process takes its time to stop": {Engine: func(_ int, c *engine.Config) { c.HardStop *= 2 }},
}

// rare are mistakes that few seeds find, and one that does: the search begins there. What
// draws other numbers from a seed, such as a new loop of the engine, makes another one of
// it: the log of the test names it.
var rare = map[string]uint64{
	"a late beat does not save a process":      993,
	"a process takes its time to stop":         139,
	"a heartbeat confirms whatever it is told": 447,
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
