package storetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/laterjobs/later/store"
)

// matches reports whether a filter selects a job.
func matches(f store.Filter, job store.Job) bool {
	text := strings.ToLower(f.Text)
	seen := job // by conditions on text
	if slices.Contains(f.Redacted, job.Type) {
		seen.Args = nil
	}
	for _, miss := range []bool{
		f.IDs != nil && !slices.Contains(f.IDs, job.ID),
		len(f.Status) > 0 && !slices.Contains(f.Status, job.Status),
		f.Type != "" && f.Type != job.Type,
		f.Queue != "" && f.Queue != job.Queue,
		f.User != "" && f.User != job.UserID,
		f.Target != "" && f.Target != job.TargetID,
		f.Cause != 0 && f.Cause != job.Cause,
		f.Tag != "" && !slices.Contains(job.Tags, f.Tag),
		text != "" && !strings.Contains(strings.ToLower(string(seen.Args)), text) && !strings.Contains(strings.ToLower(job.Error), text),
		!f.QueuedAfter.IsZero() && job.QueuedAt.Before(f.QueuedAfter),
		!f.QueuedBefore.IsZero() && !job.QueuedAt.Before(f.QueuedBefore),
		!f.FinishedAfter.IsZero() && (job.FinishedAt.IsZero() || job.FinishedAt.Before(f.FinishedAfter)),
		!f.FinishedBefore.IsZero() && (job.FinishedAt.IsZero() || !job.FinishedAt.Before(f.FinishedBefore)),
		f.Before != 0 && job.ID >= f.Before,
		slices.ContainsFunc(f.Match, func(c store.Condition) bool {
			if c.Field == store.FieldText || c.Field == store.FieldWord {
				return !c.Holds(&seen)
			}
			return !c.Holds(&job)
		}),
	} {
		if miss {
			return false
		}
	}
	return true
}

// Get returns one job.
func (r *Reference) Get(ctx context.Context, id int64) (store.Job, error) {
	if err := r.begin(ctx); err != nil {
		return store.Job{}, err
	}
	defer r.mu.Unlock()
	k := r.jobs[id]
	if k == nil {
		return store.Job{}, fmt.Errorf("job %d: %w", id, store.ErrNotFound)
	}
	return r.show(k), nil
}

// Revision counts every verb: that some change nothing does not matter.
func (r *Reference) Revision(ctx context.Context) (string, error) {
	if err := r.begin(ctx); err != nil {
		return "", err
	}
	defer r.mu.Unlock()
	return strconv.FormatInt(r.verbs, 10), nil
}

// List returns the jobs that f selects, newest first.
func (r *Reference) List(ctx context.Context, f store.Filter) ([]store.Job, error) {
	found, err := r.Search(ctx, f, store.Reach{Jobs: math.MaxInt64})
	return found.Jobs, err
}

// Search returns the jobs that f selects, as far as it reaches.
func (r *Reference) Search(ctx context.Context, f store.Filter, reach store.Reach) (store.Found, error) {
	if err := f.Check(); err != nil {
		return store.Found{}, err
	}
	if err := r.begin(ctx); err != nil {
		return store.Found{}, err
	}
	defer r.mu.Unlock()
	var found store.Found
	index := indexed(f)
	below := r.selected(func(k *kept) bool { return r.fits(index, k) })
	slices.Reverse(below)
	for i, k := range below {
		found.Looked++
		if job := r.show(k); r.fits(f, k) {
			found.Jobs = append(found.Jobs, job)
		}
		full := len(found.Jobs) == min(cmp.Or(max(f.Limit, 0), 100), 10_000)
		if full || found.Looked == cmp.Or(reach.Jobs, 100_000) {
			if i < len(below)-1 {
				found.Next = k.job.ID
			}
			break
		}
	}
	return found, nil
}

// Count counts the jobs that f selects, as far as it reaches.
func (r *Reference) Count(ctx context.Context, f store.Filter, by []store.CountBy, reach store.Reach) (store.Counted, error) {
	if err := cmp.Or(f.Check(), store.CheckCountBy(by)); err != nil {
		return store.Counted{}, err
	}
	if err := r.begin(ctx); err != nil {
		return store.Counted{}, err
	}
	defer r.mu.Unlock()
	var counted store.Counted
	index := indexed(f)
	below := r.selected(func(k *kept) bool { return r.fits(index, k) })
	slices.Reverse(below)
	for i, k := range below {
		part := store.Counted{Looked: 1}
		if job := r.show(k); r.fits(f, k) {
			group := store.CountGroup{Jobs: 1}
			for _, one := range by {
				group.Values = append(group.Values, one.Of(&job))
			}
			part.Jobs, part.Groups = 1, []store.CountGroup{group}
		}
		last := counted.Looked+1 == cmp.Or(reach.Jobs, 100_000)
		if last && i < len(below)-1 {
			part.Next = k.job.ID
		}
		if counted.Add(part); last {
			break
		}
	}
	return counted, nil
}

// indexed is the part of a filter for which a store has an index.
func indexed(f store.Filter) store.Filter {
	part := store.Filter{IDs: f.IDs, Status: f.Status, Type: f.Type, User: f.User, Target: f.Target, Before: f.Before, Operation: f.Operation}
	for _, c := range f.Match {
		if slices.Contains([]store.Field{store.FieldID, store.FieldType, store.FieldUser, store.FieldTarget}, c.Field) {
			part.Match = append(part.Match, c)
		}
	}
	return part
}

// Attempts returns the recorded attempts of a job.
func (r *Reference) Attempts(ctx context.Context, jobID int64) (attempts []store.Attempt, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	if k := r.jobs[jobID]; k != nil {
		for _, a := range k.attempts {
			attempts = append(attempts, a.Attempt)
		}
	}
	return attempts, nil
}

// Log returns the lines of a job's own log.
func (r *Reference) Log(ctx context.Context, jobID int64) ([]store.LogLine, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	if k := r.jobs[jobID]; k != nil {
		return slices.Clone(k.log), nil
	}
	return nil, nil
}

// Types returns what processes have published, by name.
func (r *Reference) Types(ctx context.Context) ([]store.JobType, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.types), func(a, b store.JobType) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// Processes returns the processes, oldest first.
func (r *Reference) Processes(ctx context.Context) ([]store.Process, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	var found []store.Process
	for _, p := range r.processes {
		shown := *p
		shown.Queues = maps.Clone(p.Queues)
		found = append(found, shown)
	}
	slices.SortFunc(found, func(a, b store.Process) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}
