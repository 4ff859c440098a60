package later

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// publish makes the types that the source knows known in the target, with the times
// when they were published. A later word stands.
func (m *move) publish(ctx context.Context) error {
	published, err := m.from.Types(ctx)
	if err != nil {
		return err
	}
	known, err := m.to.Types(ctx)
	if err != nil {
		return err
	}
	for _, t := range published {
		later := func(other store.JobType) bool { return other.Name == t.Name && !other.SeenAt.Before(t.SeenAt) }
		if slices.ContainsFunc(known, later) {
			continue
		}
		if err := m.visit(ctx, []store.JobType{t}, t.SeenAt, func(int64) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// refuseItself: a process that joins one store must not appear in the other.
func (m *move) refuseItself(ctx context.Context) error {
	return m.visit(ctx, nil, engine.Now(m.to), func(visitor int64) error {
		processes, err := m.from.Processes(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(processes, func(p store.Process) bool { return p.ID == visitor }) {
			return fmt.Errorf("%w: the source and the target are the same store", ErrConflict)
		}
		return nil
	})
}

// visit joins the target, as a process that performs nothing, for as long as do
// takes.
func (m *move) visit(ctx context.Context, types []store.JobType, now time.Time, do func(visitor int64) error) error {
	host, err := os.Hostname()
	if err != nil {
		host = "" // it is for people
	}
	p := store.Process{
		ID: rand.Int64N(1<<62) + 1, State: store.ProcessStopping, Host: host, PID: os.Getpid(), StartedAt: engine.Now(m.to), Types: types,
	}
	if err := m.to.Join(ctx, p, now); err != nil {
		return err
	}
	return errors.Join(do(p.ID), m.to.Leave(context.WithoutCancel(ctx), p.ID, engine.Now(m.to)))
}
