package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// Recover takes back the jobs of dead processes. It writes only if there are any.
func (s *Store) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	proved, err := s.provedDead(ctx)
	if err != nil {
		return nil, err
	}
	named := len(silent)+len(proved) > 0
	if !named {
		if found, err := s.strangersAbout(ctx); err != nil || !found {
			return nil, err
		}
	}
	c := &recovering{silent: silent, proved: proved, now: s.orNow(now)}
	r := &request{run: c.run, durable: named, told: func(n *news) { n.merge(&c.news) }}
	if err := s.entry.do(ctx, r); err != nil {
		return nil, err
	}
	for _, process := range c.dead {
		s.locks.Remove(process)
	}
	return c.recovered, nil
}

// strangerWatch says when to look for claims of processes that nobody knows. They
// are left by a claim that was on its way when its process was declared dead, which
// is rare, or by a process that had no time to release them when it left. Looking for
// them reads every claim, with all that an old snapshot keeps VACUUM from removing.
type strangerWatch struct {
	mu    sync.Mutex
	next  time.Time
	looks effort
}

const strangersEvery = 10 * time.Second

// strangersAbout reports whether there are claims of processes that nobody knows, if it
// is time to look.
func (s *Store) strangersAbout(ctx context.Context) (bool, error) {
	if err := s.alive(ctx); err != nil || !s.stranger.due() {
		return false, err
	}
	var found bool
	err := s.reading(ctx, func() error {
		return s.aside(ctx, func(r *session) error {
			began := time.Now()
			err := r.query("strangers", func(r row) error { return r.Scan(&found) })
			s.stranger.made(time.Since(began))
			return err
		})
	})
	return found && err == nil, err
}

// aside runs fn where who enqueues or finishes does not wait for it: on the connection of
// the heartbeat, where it is cut off before it delays one for long, and then over the
// pool. That may be full: of handlers, or, for 15 s after a host has gone, of connections
// that the driver closes.
func (s *Store) aside(ctx context.Context, fn func(*session) error) error {
	err := s.live(ctx, func(ctx context.Context, conn *pgx.Conn) error { return s.inShortTx(ctx, conn, searchTime, fn) })
	if tookTooLong(err) {
		return fn(&session{s, ctx, s.through(s.pool)})
	}
	return err
}

func (w *strangerWatch) due() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Before(w.next) {
		return false
	}
	w.next = now.Add(strangersEvery)
	return true
}

// made puts the next look off if they are dear.
func (w *strangerWatch) made(cost time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks.made(cost)
	if rested := time.Now().Add(w.looks.until()); rested.After(w.next) {
		w.next = rested
	}
}

// provedDead lists the processes of this host whose lock can be had: the
// operating system has let go of it, so the process has ended. The database is asked
// only when there is such a lock.
func (s *Store) provedDead(ctx context.Context) ([]int64, error) {
	free := s.vanished.worthAsking(s.locks.AllFree())
	if len(free) == 0 {
		return nil, nil
	}
	processes, err := s.Processes(ctx)
	if err != nil {
		return nil, err
	}
	var dead []int64
	for _, process := range processes {
		if process.Ended && slices.Contains(free, process.ID) {
			dead = append(dead, process.ID)
		}
	}
	return dead, nil
}

// vanished are processes that have left a file of a lock, and when the database was
// last asked for them. Most are unknown there: others have declared them dead.
type vanished struct {
	mu    sync.Mutex
	asked map[int64]time.Time
}

// worthAsking are those for which the database has not been asked for a while.
func (v *vanished) worthAsking(free []int64) (worth []int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, asked := time.Now(), map[int64]time.Time{}
	for _, process := range free {
		if last, known := v.asked[process]; known && now.Sub(last) < vanishedEvery {
			asked[process] = last
			continue
		}
		asked[process] = now
		worth = append(worth, process)
	}
	v.asked = asked
	return worth
}

const vanishedEvery = 10 * time.Second

// recovering is one Recover under way.
type recovering struct {
	silent    []store.Silent
	proved    []int64
	now       time.Time
	dead      []int64
	recovered []store.Recovered
	news      news
}

func (c *recovering) run(s *session) error {
	c.dead, c.recovered, c.news = nil, nil, news{}
	if err := c.declare(s); err != nil {
		return err
	}
	if err := s.query("take_back", c.scan, c.now, store.MaxCrashes, store.CrashedReason); err != nil {
		return err
	}
	return c.noteCauses(s)
}

// noteCauses says of the jobs that have failed what of.
func (c *recovering) noteCauses(s *session) error {
	var jobs, ids []int64
	var causes []store.Cause
	for _, back := range c.recovered {
		if back.Status == store.Failed {
			cause := store.CrashCause(back.Type, c.now)
			jobs, ids, causes = append(jobs, back.JobID), append(ids, int64(cause.ID)), append(causes, cause)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	if _, err := s.exec("finish_causes", jobs, ids); err != nil {
		return err
	}
	return recordCauses(s, store.MergeCauses(causes, c.now))
}

// declare removes the dead from the processes.
func (c *recovering) declare(s *session) (err error) {
	ids, beats := make([]int64, len(c.silent)), make([]int64, len(c.silent))
	for i, silent := range c.silent {
		ids[i], beats[i] = silent.ProcessID, silent.Beat
	}
	if len(ids) > 0 {
		if c.dead, err = s.ids("declare_dead", ids, beats); err != nil {
			return err
		}
	}
	if len(c.proved) > 0 {
		c.dead = append(c.dead, c.proved...)
		_, err = s.exec("leave", c.proved)
	}
	return err
}

func (c *recovering) scan(r row) error {
	var back store.Recovered
	var status int16
	var at lane
	var position pgtype.Int8
	if err := r.Scan(&back.JobID, &back.ProcessID, &back.Type, &status, &back.Crashes, &at.queue, &at.priority, &position); err != nil {
		return err
	}
	if back.Status = finishedStatuses[status]; status == 0 {
		back.Status = store.Pending
		c.news.lineUp(at, position.Int64)
	} else {
		c.news.wake.Finished = true
	}
	c.recovered = append(c.recovered, back)
	return nil
}
