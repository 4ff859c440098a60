package why

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// Source is what facts are read from: a store.
type Source interface {
	Get(ctx context.Context, id int64) (store.Job, error)
	Search(ctx context.Context, f store.Filter, reach store.Reach) (store.Found, error)
	Stats(ctx context.Context) (store.Stats, error)
	Processes(ctx context.Context) ([]store.Process, error)
	Types(ctx context.Context) ([]store.JobType, error)
	Schedules(ctx context.Context, f store.ScheduleFilter) ([]store.Schedule, error)
	Rollups(ctx context.Context, f store.RollupFilter) ([]store.Rollup, error)
	Holder(ctx context.Context, jobType, key string, now time.Time) (int64, error)
	Causes(ctx context.Context, f store.CauseFilter, now time.Time) ([]store.Cause, error)
}

// Asking is what whoever asks knows.
type Asking struct {
	Now       time.Time     // by the clock that rules
	Skew      time.Duration // by how much the program's clock is ahead of that
	TimeToDie time.Duration // silence after which a process is given up
	// Misfit says why arguments do not fit a published schema; empty: they do.
	Misfit func(schema, args []byte) string
}

// sampled bounds how many jobs are read to answer a question.
const sampled = 100

// brief bounds how far each of these is looked for: a page waits for the answer.
var brief = store.Reach{Jobs: 10_000, Time: 20 * time.Millisecond}

// GatherJob reads what Job decides over. store.ErrNotFound: there is no such job.
func GatherJob(ctx context.Context, s Source, id int64, asking Asking) (JobFacts, error) {
	f := JobFacts{Now: asking.Now, Skew: asking.Skew, TimeToDie: asking.TimeToDie, Ahead: -1}
	var err error
	if f.Job, err = s.Get(ctx, id); err != nil {
		return f, err
	}
	if f.Processes, err = s.Processes(ctx); err != nil {
		return f, err
	}
	if err := f.gatherCause(ctx, s); err != nil {
		return f, err
	}
	if f.Job.Status.Finished() {
		return f, f.gatherHolder(ctx, s)
	}
	stats, err := s.Stats(ctx)
	if err != nil {
		return f, err
	}
	f.Queue = store.QueueStats{Name: f.Job.Queue}
	if i := slices.IndexFunc(stats.Queues, func(q store.QueueStats) bool { return q.Name == f.Job.Queue }); i >= 0 {
		f.Queue = stats.Queues[i]
	}
	if f.Job.Status == store.Pending {
		if err := f.gatherLine(ctx, s); err != nil {
			return f, err
		}
	}
	return f, f.gatherMisfit(ctx, s, asking)
}

// gatherCause reads what else has failed of the same.
func (f *JobFacts) gatherCause(ctx context.Context, s Source) error {
	if f.Job.Cause == 0 {
		return nil
	}
	causes, err := s.Causes(ctx, store.CauseFilter{IDs: []store.CauseID{f.Job.Cause}, CountTo: 1000}, f.Now)
	if len(causes) > 0 {
		f.Cause = causes[0]
	}
	return err
}

func (f *JobFacts) gatherHolder(ctx context.Context, s Source) error {
	key := f.Job.Options.UniqueKey()
	if key == nil {
		return nil
	}
	holder, err := s.Holder(ctx, f.Job.Type, key.Key, f.Now)
	if errors.Is(err, store.ErrNotFound) || holder == f.Job.ID {
		return nil
	}
	f.Holder = holder
	return err
}

// gatherLine reads who is ahead of a pending job, if that is a short line.
func (f *JobFacts) gatherLine(ctx context.Context, s Source) error {
	if f.Queue.Pending <= sampled {
		line, err := s.Search(ctx, store.Filter{Queue: f.Job.Queue, Status: []store.JobStatus{store.Pending}, Limit: sampled}, brief)
		if err != nil {
			return err
		}
		if line.Next == 0 {
			f.Ahead = 0
		}
		for _, other := range line.Jobs {
			if line.Next == 0 && other.Priority > f.Job.Priority || other.Priority == f.Job.Priority && other.ID < f.Job.ID {
				f.Ahead++
				if other.Priority > f.Job.Priority {
					f.Favoured++
				}
			}
		}
	}
	rollups, err := s.Rollups(ctx, store.RollupFilter{From: f.Now.Add(-recent), Until: f.Now, Queue: f.Job.Queue, Sum: true})
	if err != nil {
		return err
	}
	for i := range rollups {
		one := &rollups[i]
		f.Done += one.Completed + one.Retried + one.Postponed + one.Failed + one.Cancelled
	}
	f.Runners, err = longest(ctx, s, f.Job.Queue)
	return err
}

// longest are running jobs, of a queue or of all, those that have run longest first.
func longest(ctx context.Context, s Source, queue string) ([]store.Job, error) {
	found, err := s.Search(ctx, store.Filter{Queue: queue, Status: []store.JobStatus{store.Running}, Limit: sampled}, brief)
	jobs := found.Jobs
	slices.SortFunc(jobs, func(a, b store.Job) int { return a.StartedAt.Compare(b.StartedAt) })
	return jobs, err
}

func (f *JobFacts) gatherMisfit(ctx context.Context, s Source, asking Asking) error {
	if asking.Misfit == nil || f.Job.Status == store.Running {
		return nil
	}
	types, err := s.Types(ctx)
	for _, t := range types {
		if t.Name == f.Job.Type && len(t.Schema) > 0 {
			f.Misfit = asking.Misfit(t.Schema, f.Job.Args)
		}
	}
	return err
}

// GatherSystem reads what System decides over.
func GatherSystem(ctx context.Context, s Source, asking Asking) (SystemFacts, error) {
	f := SystemFacts{Now: asking.Now, Skew: asking.Skew, TimeToDie: asking.TimeToDie}
	steps := []func() error{
		func() (err error) { f.Stats, err = s.Stats(ctx); return err },
		func() (err error) { f.Processes, err = s.Processes(ctx); return err },
		func() (err error) { f.Types, err = s.Types(ctx); return err },
		func() (err error) { f.Schedules, err = s.Schedules(ctx, store.ScheduleFilter{}); return err },
		func() (err error) { f.Running, err = longest(ctx, s, ""); return err },
		func() error { return f.gatherRollups(ctx, s) },
		func() error { return f.gatherWaiting(ctx, s) },
		func() error { return f.gatherMuted(ctx, s) },
		func() error { return f.gatherPanics(ctx, s) },
		func() error { return f.gatherNewest(ctx, s) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return f, err
		}
	}
	return f, nil
}

// gatherRollups reads those of late by queue and type, and sums of those before.
func (f *SystemFacts) gatherRollups(ctx context.Context, s Source) (err error) {
	late := f.Now.Add(-recent).Truncate(time.Minute)
	if f.Rollups, err = s.Rollups(ctx, store.RollupFilter{From: late, Until: f.Now}); err != nil {
		return err
	}
	before, err := s.Rollups(ctx, store.RollupFilter{From: f.Now.Add(-2 * time.Hour), Until: late, Sum: true})
	f.Rollups = append(f.Rollups, before...)
	return err
}

// gatherWaiting reads the newest pending jobs, and one of each type that has been
// published and that no process performs any more: its jobs may be older.
func (f *SystemFacts) gatherWaiting(ctx context.Context, s Source) error {
	if f.Stats.Counts[store.Pending] == 0 {
		return nil
	}
	pending := []store.JobStatus{store.Pending}
	newest, err := s.Search(ctx, store.Filter{Status: pending, Limit: sampled}, brief)
	if err != nil {
		return err
	}
	f.Waiting = newest.Jobs
	asked := 0
	for _, t := range f.Types {
		if asked == sampled/2 || slices.ContainsFunc(f.Processes, func(p store.Process) bool { return performs(p, t.Name) }) {
			continue
		}
		asked++
		found, err := s.Search(ctx, store.Filter{Type: t.Name, Status: pending, Limit: 1}, brief)
		if err != nil {
			return err
		}
		f.Waiting = append(f.Waiting, found.Jobs...)
	}
	return nil
}

// gatherMuted reads what has failed because of causes that somebody has muted.
func (f *SystemFacts) gatherMuted(ctx context.Context, s Source) error {
	failed := f.Stats.Counts[store.Failed]
	if failed == 0 && !slices.ContainsFunc(f.Rollups, func(r store.Rollup) bool { return r.Failed+r.Retried > 0 }) {
		return nil
	}
	const most = 1000
	counted := store.CauseFilter{Muted: true, CountsFrom: f.Now.Add(-recent), Limit: most}.Bounded()
	var err error
	if f.Muted, err = s.Causes(ctx, counted, f.Now); err != nil {
		return err
	}
	for i := range f.Muted {
		f.MutedFailed += f.Muted[i].Failed
		if f.Muted[i].Failed < int64(counted.CountTo) {
			continue
		}
		// More than are counted: the others are fewer.
		others, err := s.Causes(ctx, store.CauseFilter{Failed: true, Unmuted: true}, f.Now)
		f.MutedFailed = failed
		for j := range others {
			f.MutedFailed -= others[j].Failed
		}
		return err
	}
	return nil
}

// gatherPanics reads the causes that were met of late and are panics.
func (f *SystemFacts) gatherPanics(ctx context.Context, s Source) error {
	if !slices.ContainsFunc(f.Rollups, func(r store.Rollup) bool { return r.Failed+r.Retried > 0 }) {
		return nil
	}
	causes, err := s.Causes(ctx, store.CauseFilter{Unmuted: true, CountTo: 1}, f.Now) // those seen last come first
	for _, c := range causes {
		if strings.HasPrefix(c.ErrorType, "panic") && f.Now.Sub(c.LastSeen) <= recent {
			f.Panics = append(f.Panics, c)
		}
	}
	return err
}

// gatherNewest reads the newest job, by which people know their store.
func (f *SystemFacts) gatherNewest(ctx context.Context, s Source) error {
	found, err := s.Search(ctx, store.Filter{Limit: 1}, brief)
	if len(found.Jobs) > 0 {
		f.Newest = found.Jobs[0]
	}
	return err
}
