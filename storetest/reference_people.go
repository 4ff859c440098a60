package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Promote makes due jobs ready.
func (r *Reference) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	if err := r.begin(ctx); err != nil {
		return store.Promoted{}, err
	}
	defer r.mu.Unlock()
	var promoted store.Promoted
	waiting := r.selected(func(k *kept) bool { return waits(k.job.Status) })
	slices.SortStableFunc(waiting, func(a, b *kept) int { return a.job.NextRunAt.Compare(b.job.NextRunAt) })
	for _, k := range waiting {
		if k.job.NextRunAt.After(orNow(now)) || promoted.Count == limit {
			promoted.Next = k.job.NextRunAt
			break
		}
		r.ready(k, r.next())
		promoted.Count++
	}
	return promoted, nil
}

func waits(status store.JobStatus) bool { return status == store.Scheduled || status == store.Retrying }

// Prune deletes finished jobs past their retention.
func (r *Reference) Prune(ctx context.Context, keep store.Retention, after int64, limit int, now time.Time) (deleted int, next int64, err error) {
	if err := r.begin(ctx); err != nil {
		return 0, 0, err
	}
	defer r.mu.Unlock()
	if after == 0 {
		r.forgetPeriods(orNow(now))
		r.forgetAudit(orNow(now))
		r.forgetCauses(orNow(now))
		r.forgetOperations(orNow(now))
	}
	for _, k := range r.selected(func(k *kept) bool { return k.job.Status.Finished() && k.job.ID > after }) {
		if limit == 0 {
			return deleted, next, nil
		}
		limit--
		next = k.job.ID
		d := map[store.JobStatus]time.Duration{
			store.Completed: keep.Completed, store.Failed: keep.Failed, store.Cancelled: keep.Cancelled,
		}[k.job.Status]
		if d >= 0 && !k.job.FinishedAt.Add(d).After(orNow(now)) && !r.holdsForPeriod(k, orNow(now)) {
			r.forget(k)
			deleted++
		}
	}
	return deleted, 0, nil
}

// change applies a verb to the newest jobs that f selects and whose status is one
// of only, the oldest of them first.
func (r *Reference) change(ctx context.Context, f store.Filter, only []store.JobStatus, now time.Time, by *store.AuditEntry, change func(*kept) bool) (ids []int64, err error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	found := r.selected(func(k *kept) bool { return slices.Contains(only, k.job.Status) && r.fits(f, k) })
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[len(found)-f.Limit:]
	}
	for _, k := range found {
		if change(k) {
			ids = append(ids, k.job.ID)
		}
	}
	r.noteJobs(by, ids, orNow(now))
	return ids, nil
}

// Cancel finishes jobs that wait and asks for the stop of those that run.
func (r *Reference) Cancel(ctx context.Context, f store.Filter, reason string, now time.Time, by *store.AuditEntry) ([]int64, error) {
	only := []store.JobStatus{store.Scheduled, store.Pending, store.Running, store.Retrying}
	return r.change(ctx, f, only, now, by, func(k *kept) bool { return r.cancelOne(k, reason, orNow(now)) })
}

func (r *Reference) cancelOne(k *kept, reason string, now time.Time) bool {
	if k.job.Status == store.Running {
		if k.cancelled == nil { // the first reason counts
			k.cancelled = &reason
		}
		r.wake(store.Wake{Cancels: true})
		return true
	}
	k.job.ProcessID = r.show(k).ProcessID
	r.finish(k, store.Cancelled, reason, store.Outcome{StartedAt: r.show(k).StartedAt, FinishedAt: now})
	k.finisher = 0
	return true
}

// Retry makes finished and retrying jobs pending.
func (r *Reference) Retry(ctx context.Context, f store.Filter, now time.Time, by *store.AuditEntry) ([]int64, error) {
	only := []store.JobStatus{store.Retrying, store.Completed, store.Failed, store.Cancelled}
	return r.change(ctx, f, only, now, by, func(k *kept) bool { return r.retryOne(k, orNow(now)) })
}

func (r *Reference) retryOne(k *kept, now time.Time) bool {
	if k.job.Status.Finished() {
		if _, unique := keyOf(k.job); unique != nil && unique.Scope != store.UniquePeriod && !r.take(k, now) {
			return false
		}
		k.counted, k.job.Crashes, k.job.Progress, k.finisher = 0, 0, store.Progress{}, 0
		if k.job.Status == store.Completed {
			k.steps = nil
		}
	}
	r.ready(k, r.next())
	return true
}

// Reschedule gives jobs that wait a new time.
func (r *Reference) Reschedule(ctx context.Context, f store.Filter, at, now time.Time, by *store.AuditEntry) ([]int64, error) {
	only := []store.JobStatus{store.Scheduled, store.Pending, store.Retrying}
	return r.change(ctx, f, only, now, by, func(k *kept) bool {
		r.moveTo(k, at, orNow(now))
		return true
	})
}

// moveTo gives a job that waits a new time. A pending one keeps its place in line.
func (r *Reference) moveTo(k *kept, at, now time.Time) {
	switch {
	case at.After(now) && k.job.Status == store.Retrying:
		cause := k.job.Cause
		r.wait(k, store.Retrying, at, "")
		k.job.Cause = cause
	case at.After(now):
		r.wait(k, store.Scheduled, at, "")
	case k.job.Status != store.Pending:
		r.ready(k, r.next())
	}
}

// Delete removes jobs that do not run.
func (r *Reference) Delete(ctx context.Context, f store.Filter, by *store.AuditEntry) ([]int64, error) {
	only := slices.DeleteFunc(slices.Clone(store.Statuses), func(s store.JobStatus) bool { return s == store.Running })
	return r.change(ctx, f, only, time.Time{}, by, func(k *kept) bool { r.forget(k); return true })
}

// Pause stops claims from a queue.
func (r *Reference) Pause(ctx context.Context, queue, reason string, now time.Time, by *store.AuditEntry) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	person := ""
	if by != nil {
		person = by.Person
	}
	r.paused[queue] = pause{orNow(now), reason, person}
	r.note(by, nil, orNow(now))
	return nil
}

// Resume allows claims from a queue again.
func (r *Reference) Resume(ctx context.Context, queue string, by *store.AuditEntry) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	if _, paused := r.paused[queue]; paused {
		r.note(by, nil, orNow(time.Time{}))
	}
	delete(r.paused, queue)
	r.wake(store.Wake{Work: true})
	return nil
}

// Listen delivers wakes until ctx ends.
func (r *Reference) Listen(ctx context.Context) (<-chan store.Wake, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	channel := make(chan store.Wake, 1)
	r.listeners[channel] = true
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.deafen(channel)
	})
	return channel, nil
}

func (r *Reference) deafen(channel chan store.Wake) {
	if r.listeners[channel] {
		delete(r.listeners, channel)
		close(channel)
	}
}

func (r *Reference) wake(wake store.Wake) {
	for channel := range r.listeners {
		merged := wake
		select {
		case waiting := <-channel:
			merged = merged.Merge(waiting)
		default:
		}
		channel <- merged
	}
}

// Migrate has nothing to do.
func (r *Reference) Migrate(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	r.mu.Unlock()
	return nil
}

// Close ends the store.
func (r *Reference) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for channel := range r.listeners {
		r.deafen(channel)
	}
	return nil
}
