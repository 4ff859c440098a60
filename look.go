package later

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

// looking lets all who wait for jobs look at them together, over one connection: one wake
// concerns all of them.
type looking struct {
	mu   sync.Mutex
	next *look         // not begun yet; nil: none
	turn chan struct{} // holds one token: one look at a time
}

// look is one look at the jobs of several who wait.
type look struct {
	ids  map[int64]bool
	done chan struct{}
	jobs map[int64]Job
	err  error
}

const (
	// lookLimit ends a look that takes too long.
	lookLimit = 30 * time.Second
	// lookSlice bounds the jobs of one statement.
	lookSlice = 500
)

// look returns a job as it was after the call began.
func (q *JobQueue) look(ctx context.Context, id int64) (Job, error) {
	l := q.join(id)
	select {
	case <-l.done:
	case <-ctx.Done():
		return Job{}, context.Cause(ctx)
	}
	job, found := l.jobs[id]
	switch {
	case l.err != nil:
		return Job{}, fmt.Errorf("job %d: %w", id, l.err)
	case !found:
		return Job{}, fmt.Errorf("job %d: %w", id, ErrNotFound)
	}
	return job, nil
}

// join takes part in the next look.
func (q *JobQueue) join(id int64) *look {
	q.looking.mu.Lock()
	defer q.looking.mu.Unlock()
	l := q.looking.next
	if l == nil {
		l = &look{ids: map[int64]bool{}, done: make(chan struct{}), jobs: map[int64]Job{}}
		q.looking.next = l
		go q.lookAt(l)
	}
	l.ids[id] = true
	return l
}

func (q *JobQueue) lookAt(l *look) {
	defer close(l.done)
	q.looking.turn <- struct{}{}
	defer func() { <-q.looking.turn }()
	q.looking.mu.Lock()
	q.looking.next = nil // who comes now may know of something newer
	q.looking.mu.Unlock()
	ctx, done := context.WithTimeout(context.Background(), lookLimit)
	defer done()
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(l.ids)), lookSlice) {
		jobs, err := q.store.List(ctx, store.Filter{IDs: ids, Limit: len(ids)})
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: no answer within %v: %w", ErrUnavailable, lookLimit, err)
		}
		if err != nil {
			l.err = err
			return
		}
		for _, job := range jobs {
			l.jobs[job.ID] = job
		}
	}
}
