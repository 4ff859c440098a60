package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// operated is an operation with what its steps have kept.
type operated struct {
	store.Operation
	steps [][]store.OperationImage
	jobs  map[int64]bool // that it has changed, but for those that it has deleted
}

// keepJobs lets the operation be asked for its jobs.
func (o *operated) keepJobs(images []store.OperationImage, gone bool) {
	for _, id := range store.JobsOf(images, gone) {
		o.jobs[id] = true
	}
}

// fits reports whether a filter selects a job.
func (r *Reference) fits(f store.Filter, k *kept) bool {
	if f.Operation != 0 {
		o, err := r.operation(f.Operation)
		if err != nil || !o.jobs[k.job.ID] {
			return false
		}
	}
	return matches(f, r.show(k))
}

// AddOperation stores an operation.
func (r *Reference) AddOperation(ctx context.Context, o store.Operation, by *store.AuditEntry, now time.Time) (store.Operation, error) {
	if err := r.begin(ctx); err != nil {
		return store.Operation{}, err
	}
	defer r.mu.Unlock()
	o.ID, o.State, o.CreatedAt = int64(len(r.operations)+1), store.OperationRunning, orNow(now)
	for id := range r.jobs {
		o.Bound = max(o.Bound, id)
	}
	o.Cursor = o.Bound + 1
	o.Matched = min(int64(len(r.matching(o.Filter, o.Action))), store.OperationCounted)
	if r.note(by, nil, orNow(now)); by != nil {
		o.AuditID = r.lastEntry
	}
	r.operations = append(r.operations, &operated{Operation: o, jobs: map[int64]bool{}})
	return o, nil
}

// matching are the jobs that an action fits, by id.
func (r *Reference) matching(f store.Filter, action store.OperationAction) []*kept {
	return r.selected(func(k *kept) bool { return slices.Contains(action.Statuses(), k.job.Status) && r.fits(f, k) })
}

func (r *Reference) operation(id int64) (*operated, error) {
	if id < 1 || id > int64(len(r.operations)) || r.operations[id-1] == nil {
		return nil, fmt.Errorf("operation %d: %w", id, store.ErrNotFound)
	}
	return r.operations[id-1], nil
}

// shown is the operation as it is now.
func (o *operated) shown() store.Operation {
	shown := o.Operation
	shown.NotUndone = maps.Clone(o.NotUndone)
	return shown
}

// TurnOperation ends an operation, or lets it be undone.
func (r *Reference) TurnOperation(ctx context.Context, id int64, to store.OperationState, by *store.AuditEntry, now time.Time) (store.Operation, error) {
	if err := r.begin(ctx); err != nil {
		return store.Operation{}, err
	}
	defer r.mu.Unlock()
	o, err := r.operation(id)
	if err == nil {
		err = o.Turn(to, orNow(now))
	}
	if err != nil {
		return store.Operation{}, err
	}
	r.note(by, nil, orNow(now))
	return o.shown(), nil
}

// Operations returns operations, newest first.
func (r *Reference) Operations(ctx context.Context, f store.OperationFilter) (found []store.Operation, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	for _, o := range slices.Backward(r.operations) {
		if o != nil && (f.ID == 0 || f.ID == o.ID) && (!f.Working || o.State.Working()) && (f.Before == 0 || o.ID < f.Before) && len(found) < f.Page() {
			found = append(found, o.shown())
		}
	}
	return found, nil
}

// StepOperation takes one step.
func (r *Reference) StepOperation(ctx context.Context, id int64, now time.Time) (store.Operation, error) {
	if err := r.begin(ctx); err != nil {
		return store.Operation{}, err
	}
	defer r.mu.Unlock()
	o, err := r.operation(id)
	switch {
	case err != nil:
		return store.Operation{}, err
	case o.State == store.OperationRunning && !o.Fail(orNow(now)):
		r.step(o, orNow(now))
	case o.State == store.OperationUndoing:
		r.undo(o, orNow(now))
	}
	return o.shown(), nil
}

func (r *Reference) step(o *operated, now time.Time) {
	next := o.Next()
	jobs := r.matching(next, o.Action)
	jobs = jobs[max(0, len(jobs)-store.OperationStep):]
	var before, after []store.Record
	var found, changed []int64
	for _, k := range jobs {
		before, found = append(before, r.record(k)), append(found, k.job.ID)
		if r.operate(o, k, now) {
			changed = append(changed, k.job.ID)
		}
	}
	for _, id := range changed {
		if k := r.jobs[id]; k != nil {
			after = append(after, r.record(k))
		}
	}
	if images := store.ImagesOf(before, after, changed); len(images) > 0 {
		o.steps = append(o.steps, images)
		o.keepJobs(images, false)
	}
	for i := range r.audit {
		if r.audit[i].ID == o.AuditID {
			r.audit[i].Jobs += int64(len(changed))
			r.audit[i].of = append(r.audit[i].of, changed[:min(len(changed), max(0, store.AuditedJobs-len(r.audit[i].of)))]...)
		}
	}
	below := int64(0)
	if len(found) == store.OperationStep {
		below = found[0]
	}
	o.Stepped(len(found), len(changed), below, now)
}

func (r *Reference) operate(o *operated, k *kept, now time.Time) bool {
	switch o.Action {
	case store.OperationCancel:
		return r.cancelOne(k, o.Reason, now)
	case store.OperationRetry:
		return r.retryOne(k, now)
	case store.OperationReschedule:
		r.moveTo(k, o.At, now)
	default:
		r.forget(k)
	}
	return true
}

func (r *Reference) undo(o *operated, now time.Time) {
	if len(o.steps) == 0 {
		o.State, o.UndoneAt = store.OperationUndone, now
		return
	}
	images := o.steps[len(o.steps)-1]
	o.steps = o.steps[:len(o.steps)-1]
	var is []store.Record
	for _, image := range images {
		if k := r.jobs[image.Before.Job.ID]; k != nil {
			is = append(is, r.record(k))
		}
	}
	images, not := store.Restorable(images, is)
	var restored []store.OperationImage
	for _, image := range images {
		id := image.Before.Job.ID
		name, unique := keyOf(image.Before.Job)
		if holder := r.holder(name, now); unique != nil && image.Before.HoldsKey && holder != nil && holder.job.ID != id {
			not[store.NotUndoneKey]++
			continue
		}
		if k := r.jobs[id]; k != nil {
			r.forget(k)
		}
		r.importOne(image.Before)
		restored = append(restored, image)
	}
	o.Restored += int64(len(restored))
	o.keepJobs(restored, true)
	r.wake(store.Wake{Work: true, Finished: true})
	o.NotUndo(not)
}

func (r *Reference) forgetOperations(now time.Time) {
	for i, o := range r.operations {
		if o == nil || o.State.Working() {
			continue
		}
		if o.FinishedAt.Before(now.Add(-store.OperationUndoable)) {
			o.steps = nil
		}
		if o.CreatedAt.Before(now.Add(-store.AuditKept)) {
			r.operations[i] = nil
		}
	}
}
