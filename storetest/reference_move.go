package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Export returns the next whole jobs.
func (r *Reference) Export(ctx context.Context, after int64, limit int) (records []store.Record, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	for _, k := range r.selected(func(k *kept) bool { return k.job.ID > after }) {
		if len(records) >= limit {
			break
		}
		records = append(records, r.record(k))
	}
	return records, nil
}

func (r *Reference) record(k *kept) store.Record {
	record := store.Record{Job: r.show(k), Log: slices.Clone(k.log), Steps: k.sortedSteps()}
	name, _ := keyOf(k.job)
	record.HoldsKey = r.keys[name].holder == k
	if k.job.Status == store.Pending || k.job.Status == store.Running {
		record.Position = k.position
	}
	if k.cancelled != nil {
		record.CancelReason = *k.cancelled
	}
	for _, a := range k.attempts {
		record.Attempts = append(record.Attempts, a.Attempt)
	}
	return record
}

// Import stores whole jobs of another store.
func (r *Reference) Import(ctx context.Context, records []store.Record) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	for _, record := range records {
		if status := record.Job.Status; !status.Valid() || status == store.Blocked {
			return fmt.Errorf("%w: job %d cannot be imported: no job is kept as %q", store.ErrConflict, record.Job.ID, status)
		}
	}
	for _, record := range records {
		r.last = max(r.last, record.Job.ID, record.Position)
	}
	for _, record := range records {
		if r.jobs[record.Job.ID] == nil {
			r.importOne(record.AtRest())
		}
	}
	r.wake(store.Wake{Work: len(records) > 0, Finished: len(records) > 0})
	return nil
}

// importOne stores a record that is at rest. A key that another job has taken stays
// with that.
func (r *Reference) importOne(record store.Record) {
	k := r.keep(record)
	r.jobs[record.Job.ID] = k
	name, unique := keyOf(k.job)
	if _, taken := r.keys[name]; unique != nil && record.HoldsKey && !taken {
		r.keys[name] = heldKey{k, unique.Scope, k.job.QueuedAt.Add(unique.Period)}
	}
}

// keep is a job of a record that is at rest.
func (r *Reference) keep(record store.Record) *kept {
	k := &kept{job: record.Job, counted: record.Job.Attempt, position: record.Position}
	k.job.Tags = slices.Clone(k.job.Tags)
	if k.job.Status == store.Pending && k.position == 0 {
		k.position = r.next()
	}
	if k.job.Status != store.Failed && k.job.Status != store.Retrying {
		k.job.Cause = 0
	}
	if !k.job.Status.Finished() { // show fills them in
		k.job.Error, k.job.ProcessID, k.job.StartedAt = "", 0, time.Time{}
	}
	for _, line := range record.Log {
		line.JobID = record.Job.ID
		k.log = append(k.log, line)
	}
	for _, step := range record.Steps {
		k.save(step)
	}
	for _, a := range record.Attempts {
		a.JobID = record.Job.ID
		k.attempts = append(k.attempts, recorded{a, 0})
	}
	return k
}
