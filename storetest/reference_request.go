package storetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Ask stores a request to a process.
func (r *Reference) Ask(ctx context.Context, request store.Request, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	if r.processes[request.ProcessID] == nil {
		return fmt.Errorf("process %d: %w", request.ProcessID, store.ErrNotFound)
	}
	maps.DeleteFunc(r.requests, func(_ int64, old *store.Request) bool {
		return orNow(now).Sub(old.AskedAt) >= store.RequestKept
	})
	request.AskedAt, request.AnsweredAt, request.Answer = orNow(now), time.Time{}, ""
	r.requests[request.ID] = &request
	r.wake(store.Wake{Cancels: true})
	return nil
}

// Answer stores what came of a request.
func (r *Reference) Answer(ctx context.Context, requestID int64, answer string, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	if request := r.requests[requestID]; request != nil && request.AnsweredAt.IsZero() {
		request.Answer, request.AnsweredAt = answer, orNow(now)
	}
	return nil
}

// Request returns a request, with its answer if there is one.
func (r *Reference) Request(ctx context.Context, id int64) (store.Request, error) {
	if err := r.begin(ctx); err != nil {
		return store.Request{}, err
	}
	defer r.mu.Unlock()
	if r.requests[id] == nil {
		return store.Request{}, store.ErrNotFound
	}
	return *r.requests[id], nil
}

// openRequests are those that a beat brings to a process.
func (r *Reference) openRequests(processID int64, now time.Time) (open []store.Request) {
	for _, request := range r.requests {
		if request.ProcessID == processID && request.AnsweredAt.IsZero() && !request.Expired(now) {
			open = append(open, *request)
		}
	}
	slices.SortFunc(open, func(a, b store.Request) int {
		return cmp.Or(a.AskedAt.Compare(b.AskedAt), cmp.Compare(a.ID, b.ID))
	})
	return open[:min(len(open), store.MaxRequests)]
}
