package later

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/store"
)

// details are the metadata and the tags that a handler has given its job.
type details struct {
	mu       sync.Mutex
	metadata map[string]json.RawMessage // all of it; nil: as claimed
	tags     []string                   // all of them; nil: as claimed
}

// SetMetadata gives the job's metadata the member key, in place of one that it has; a
// nil value removes that. It is stored within a second, and at the latest with the
// outcome of the attempt, whatever that is: the next attempt finds it in Metadata, which
// does not change in this one. ErrTooLarge: the whole would exceed Config.MaxArgs.
// ErrInvalidArgs: the value does not encode. The job of PerformNow is not stored, nor is
// this.
func (r *RunningJob) SetMetadata(key string, value any) error {
	r.details.mu.Lock()
	defer r.details.mu.Unlock()
	all := maps.Clone(r.details.metadata)
	if all == nil {
		all = map[string]json.RawMessage{}
		if len(r.Metadata) > 0 {
			if err := json.Unmarshal(r.Metadata, &all); err != nil {
				return fmt.Errorf("%w: the metadata of job %d is not a JSON object, and has no %q: %w", ErrInvalidArgs, r.ID, key, err)
			}
		}
	}
	if value == nil {
		delete(all, key)
	} else {
		raw, err := arguments.Encode(value)
		if err != nil {
			return fmt.Errorf("%w: metadata %q: %w", ErrInvalidArgs, key, err)
		}
		all[key] = raw
	}
	whole, err := arguments.Encode(all)
	if err != nil {
		return fmt.Errorf("%w: metadata %q: %w", ErrInvalidArgs, key, err)
	}
	if err := checkSize("metadata of "+r.Type, whole, r.maxArgs()); err != nil {
		return err
	}
	r.details.metadata = all
	r.run.Describe(whole, nil)
	return nil
}

// AddTags adds labels by which the job can be found; those that it has are passed over.
// They are stored as SetMetadata says. ErrInvalidOption: one is empty, longer than 128
// bytes, not UTF-8 or has control characters; then none is added.
func (r *RunningJob) AddTags(tags ...string) error {
	for _, tag := range tags {
		if problem := checkName("tag", tag); problem != nil {
			return fmt.Errorf("%w: %w", ErrInvalidOption, problem)
		}
	}
	r.details.mu.Lock()
	defer r.details.mu.Unlock()
	all := slices.Clone(r.details.tags)
	if all == nil {
		all = slices.Clone(r.Tags)
	}
	before := len(all)
	for _, tag := range tags {
		if !slices.Contains(all, tag) {
			all = append(all, tag)
		}
	}
	if len(all) == before {
		return nil
	}
	raw, err := arguments.Encode(all)
	if err == nil {
		err = checkSize("tags of "+r.Type, raw, r.maxArgs())
	}
	if err != nil {
		return err
	}
	r.details.tags = all
	r.run.Describe(nil, all)
	return nil
}

// describeTx stores what the handler has said of its job in the transaction that
// completes it: the engine could no more, once the job has ended.
func (r *RunningJob) describeTx(ctx context.Context, tx store.Tx) error {
	r.details.mu.Lock()
	defer r.details.mu.Unlock()
	if r.details.metadata == nil && r.details.tags == nil {
		return nil
	}
	report := store.Report{JobID: r.ID, Token: r.Token, Tags: r.details.tags}
	if r.details.metadata != nil {
		report.Metadata, _ = arguments.Encode(r.details.metadata) // it has been encoded before
	}
	r.run.HoldReports(report.Metadata, report.Tags)
	return tx.Report(ctx, []store.Report{report}, r.queue.now())
}
