package engine

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// orphansEvery is how often pending jobs are looked at for types that no
// process performs.
const orphansEvery = time.Minute

// orphans reports jobs that wait for a handler which no process has registered:
// a handler forgotten, or a type renamed without FormerlyNamed.
type orphans struct {
	*Engine
	told map[string]bool
}

func (e *Engine) newOrphans() *orphans { return &orphans{Engine: e, told: map[string]bool{}} }

func (o *orphans) look(ctx context.Context) time.Duration {
	jobs, err := o.store.List(ctx, store.Filter{Status: []store.JobStatus{store.Pending}})
	if err != nil || len(jobs) == 0 {
		return 0 // whatever troubles the store is reported by the loops that need it
	}
	types, err := o.store.Types(ctx)
	if err != nil {
		return 0
	}
	for _, job := range jobs {
		published := slices.ContainsFunc(types, func(t store.JobType) bool { return t.Name == job.Type })
		if published || o.handlers[job.Type] != nil || o.told[job.Type] {
			continue
		}
		o.told[job.Type] = true
		o.log.Warn("jobs wait for a handler that no process has registered", "type", job.Type, "queue", job.Queue, "job", job.ID)
	}
	return 0
}
