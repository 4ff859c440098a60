package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Recover takes back the jobs of dead processes. It writes only if there are any.
func (s *Store) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	proved, err := s.provedDead(ctx)
	if err != nil {
		return nil, err
	}
	c := &recovering{silent: silent, proved: proved, now: orNow(now)}
	r := &request{rank: rankControl, idle: c.idle, run: c.run}
	if err := s.do(ctx, r); err != nil {
		return nil, err
	}
	for _, process := range c.dead {
		s.locks.Remove(process)
	}
	return c.recovered, nil
}

// provedDead lists the processes of this host whose lock can be had: the
// operating system has let go of it, so the process has ended.
func (s *Store) provedDead(ctx context.Context) ([]int64, error) {
	processes, err := s.Processes(ctx)
	if err != nil {
		return nil, err
	}
	var dead []int64
	for _, process := range processes {
		if process.Ended {
			dead = append(dead, process.ID)
		}
	}
	return dead, nil
}

// recovering is one Recover under way.
type recovering struct {
	silent    []store.Silent
	proved    []int64
	now       time.Time
	dead      []int64
	recovered []store.Recovered
	causes    []store.Cause // of those that have failed
}

// idle: nobody is named or proved dead, and every claim belongs to a known process.
func (c *recovering) idle(s *session) bool {
	c.dead, c.recovered = nil, nil // an earlier try was rolled back
	if len(c.silent)+len(c.proved) > 0 {
		return false
	}
	strangers, err := s.list("strangers")
	return err == nil && len(strangers) == 0
}

func (c *recovering) run(s *session) error {
	c.dead, c.recovered, c.causes = nil, nil, nil
	for _, silent := range c.silent {
		changed, err := s.exec("declare_dead", silent.ProcessID, silent.Beat)
		if err != nil {
			return err
		}
		if changed > 0 {
			c.dead = append(c.dead, silent.ProcessID)
		}
	}
	for _, process := range c.proved {
		if _, err := s.exec("leave", process); err != nil {
			return err
		}
		c.dead = append(c.dead, process)
	}
	owners, err := s.list("strangers")
	if err != nil {
		return err
	}
	var m moves
	slices.Sort(owners)
	for _, owner := range owners {
		held, err := claims(s, "claims_of_process", owner)
		if err != nil {
			return err
		}
		for _, claim := range held {
			c.takeBack(&m, claim)
		}
		if err := endClaims(s, held); err != nil {
			return err
		}
	}
	if err := m.apply(s); err != nil {
		return err
	}
	return recordCauses(s, store.MergeCauses(c.causes, c.now))
}

// takeBack sends a job of a dead process back into the line. No attempt is burned;
// the crash is counted apart, and too many of them fail the job.
func (c *recovering) takeBack(m *moves, claim placed) {
	claim.crashes++
	started := time.UnixMicro(claim.claimedAt)
	m.record(claim, store.AttemptCrashed, claim.attempt+1, started, c.now, store.CrashedReason, "", nil, 0)
	back := store.Recovered{
		JobID: claim.id, ProcessID: claim.process, Type: claim.jobType, Status: store.Pending, Crashes: int(claim.crashes),
	}
	end := ending{startedAt: started, finishedAt: c.now}
	switch {
	case claim.cancel.Valid:
		back.Status, end.status, end.error = store.Cancelled, cancelled, claim.cancel.String
	case claim.crashes >= store.MaxCrashes:
		back.Status, end.status, end.error = store.Failed, failed, store.CrashedReason
		cause := store.CrashCause(claim.jobType, c.now)
		claim.cause = int64(cause.ID)
		c.causes = append(c.causes, cause)
	}
	if back.Status == store.Pending {
		claim.position = 0 // behind the others: it may be what kills its processes
		m.toReady(claim)
	} else {
		claim.token = 0 // the claim is lost: its outcome must be superseded
		m.toFinished(claim, end)
	}
	c.recovered = append(c.recovered, back)
}
