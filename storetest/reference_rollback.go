package storetest

import (
	"maps"
	"slices"

	"github.com/laterjobs/later/store"
)

// Snapshot is what a Reference held at some moment.
type Snapshot struct {
	jobs      map[int64]*kept
	processes map[int64]*store.Process
	types     map[string]store.JobType
	paused    map[string]pause
	keys      map[keyName]heldKey
	causes    map[store.CauseID]store.Cause
	schedules map[string]store.Schedule
	ticks     map[instant]bool
	last      int64
}

// Snapshot copies what the store holds.
func (r *Reference) Snapshot() *Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Snapshot{jobs: r.jobs, processes: r.processes, types: r.types, paused: r.paused, keys: r.keys, causes: r.causes, schedules: r.schedules, ticks: r.ticks, last: r.last}
	return s.clone()
}

// Rollback makes the store what it was, as a failover to a standby that lags
// behind does: what was acknowledged since is lost, and its ids are given out
// again.
func (r *Reference) Rollback(to *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := to.clone()
	r.jobs, r.processes, r.types, r.paused, r.keys, r.causes, r.last = s.jobs, s.processes, s.types, s.paused, s.keys, s.causes, s.last
	r.schedules, r.ticks = s.schedules, s.ticks
}

func (s *Snapshot) clone() *Snapshot {
	c := &Snapshot{
		jobs: make(map[int64]*kept, len(s.jobs)), processes: make(map[int64]*store.Process, len(s.processes)),
		types: maps.Clone(s.types), paused: maps.Clone(s.paused), keys: make(map[keyName]heldKey, len(s.keys)), causes: maps.Clone(s.causes), last: s.last,
		schedules: maps.Clone(s.schedules), ticks: maps.Clone(s.ticks),
	}
	for id, k := range s.jobs {
		copied := *k
		copied.attempts, copied.log, copied.steps = slices.Clone(k.attempts), slices.Clone(k.log), maps.Clone(k.steps)
		c.jobs[id] = &copied
	}
	for name, held := range s.keys {
		held.holder = c.jobs[held.holder.job.ID]
		c.keys[name] = held
	}
	for id, p := range s.processes {
		copied := *p
		c.processes[id] = &copied
	}
	return c
}
