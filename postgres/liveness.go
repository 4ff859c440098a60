package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// Join makes a process known, with an operating-system lock that proves to others
// on its host that it lives.
func (s *Store) Join(ctx context.Context, p store.Process, now time.Time) error {
	now = s.orNow(now)
	queues, performs := "", ""
	if p.Performs != nil {
		encoded, err := json.Marshal(p.Performs)
		if err != nil {
			return fmt.Errorf("types of process %d: %w", p.ID, err)
		}
		performs = string(encoded)
	}
	if p.Queues != nil {
		encoded, err := json.Marshal(p.Queues)
		if err != nil {
			return fmt.Errorf("queues of process %d: %w", p.ID, err)
		}
		queues = string(encoded)
	}
	if err := s.alive(ctx); err != nil {
		return err
	}
	// Without a lock its death is observed, as that of a process elsewhere.
	_ = s.locks.Hold(p.ID)
	err := s.live(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.inOwnTx(ctx, conn, true, func(r *session) error {
			if _, err := r.exec("join", p.ID, now, micro(p.StartedAt), p.PID, p.Slots, string(p.State), p.Host, p.Version, queues, performs); err != nil {
				return err
			}
			for _, t := range p.Types {
				if _, err := r.exec("publish_type", t.Name, t.Description, t.Queue, int16(t.Priority), t.MaxRetries,
					t.Timeout.Microseconds(), textOf(t.Schema), now, t.StartWithin.Microseconds(), t.FinishWithin.Microseconds(), t.Unique.Text()); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		s.locks.Release(p.ID)
	}
	return err
}

// live uses the connection of the heartbeat.
func (s *Store) live(ctx context.Context, fn func(context.Context, *pgx.Conn) error) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	return s.classify(ctx, s.beat.use(ctx, fn))
}

// Beat raises the beat of a process, and hears the time.
func (s *Store) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	b := &beating{store: s, heartbeat: h, now: s.orNow(now)}
	err := s.live(ctx, b.run)
	switch {
	case err != nil:
		return store.Beaten{}, err
	case !b.known:
		s.locks.Release(h.ProcessID) // it never comes back under that id
		return store.Beaten{}, fmt.Errorf("process %d: %w", h.ProcessID, store.ErrProcessGone)
	}
	return b.beaten, nil
}

// beating is one heartbeat under way.
type beating struct {
	store     *Store
	heartbeat store.Heartbeat
	now       time.Time
	sent      time.Time
	known     bool // the process
	asked     bool // somebody asks something of it
	beaten    store.Beaten
}

// run is one statement, but for what is rare. Others see the beat before a search begins.
func (b *beating) run(ctx context.Context, conn *pgx.Conn) error {
	held := b.heartbeat.Held
	jobs, tokens := make([]int64, len(held)), make([]int64, len(held))
	for i, c := range held {
		jobs[i], tokens[i] = c.JobID, c.Token
	}
	own := b.store.own(ctx, conn)
	b.sent = time.Now()
	err := own.query("beat", b.scan, b.heartbeat.ProcessID, b.now, string(b.heartbeat.State),
		b.store.clock.ahead().Microseconds(), jobs, tokens)
	if err == nil && b.asked {
		b.beaten.Requests, err = requestsOf(own, b.heartbeat.ProcessID, b.now)
	}
	if err != nil || !b.known || !b.heartbeat.Search {
		return err
	}
	return b.search(ctx, conn)
}

func (b *beating) scan(r row) error {
	var told time.Time
	var c claimRow
	if err := r.Scan(append(c.columns(), &told, &b.asked)...); err != nil {
		return err
	}
	if !b.known {
		b.store.clock.set(told, b.sent)
	}
	b.known = true
	if c.id.Valid {
		c.addTo(&b.beaten)
	}
	return nil
}

// searchTime is how long a search for claims may take: the next beat waits for it.
const searchTime = 2 * time.Second

// search finds every claim of the process. It reads the whole table, with all that an old
// snapshot keeps VACUUM from removing.
func (b *beating) search(ctx context.Context, conn *pgx.Conn) error {
	var found store.Beaten
	err := b.store.inShortTx(ctx, conn, searchTime, func(r *session) error {
		return r.query("claims_of_process", func(r row) error {
			var c claimRow
			err := r.Scan(c.columns()...)
			c.addTo(&found)
			return err
		}, b.heartbeat.ProcessID)
	})
	switch {
	case tookTooLong(err):
		return nil
	case err != nil:
		return err
	}
	b.beaten.Claims, b.beaten.Cancels, b.beaten.Searched = found.Claims, found.Cancels, true
	return nil
}

// claimRow is what a heartbeat is told of a claim.
type claimRow struct {
	id, token pgtype.Int8
	claimedAt pgtype.Timestamptz
	reason    pgtype.Text // of a request to cancel it
}

func (c *claimRow) columns() []any { return []any{&c.id, &c.token, &c.claimedAt, &c.reason} }

func (c *claimRow) addTo(beaten *store.Beaten) {
	beaten.Claims = append(beaten.Claims, store.Claimed{JobID: c.id.Int64, Token: c.token.Int64, ClaimedAt: timeOf(c.claimedAt)})
	if c.reason.Valid {
		beaten.Cancels = append(beaten.Cancels, store.CancelRequest{JobID: c.id.Int64, Reason: c.reason.String})
	}
}

// leaveTime is how long each statement of a process that leaves may take. Stop has little
// time, and there is rarely anything to find.
const leaveTime = 300 * time.Millisecond

// Leave removes a process and releases what it still has. If that takes too long it
// leaves all the same: what it has is then a stranger's, which others take back.
func (s *Store) Leave(ctx context.Context, processID int64, now time.Time) error {
	now = s.orNow(now)
	n := &news{}
	leave := func(r *session) error {
		_, err := r.exec("leave", []int64{processID})
		return err
	}
	err := s.live(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		err := s.inShortTx(ctx, conn, leaveTime, func(r *session) error {
			release, err := s.releaseAll(r, processID, now)
			if err == nil {
				release.committed(n)
				err = leave(r)
			}
			return err
		})
		if tookTooLong(err) {
			n = &news{} // it was rolled back
			return s.inOwnTx(ctx, conn, true, leave)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.tell(n)
	s.locks.Release(processID)
	return nil
}

// releaseAll ends the claims of a process as if they had never been.
func (s *Store) releaseAll(r *session, processID int64, now time.Time) (*finishing, error) {
	var outcomes []store.Outcome
	err := r.query("claims_to_release", func(r row) error {
		o := store.Outcome{Kind: store.Release, FinishedAt: now}
		err := r.Scan(&o.JobID, &o.Token)
		outcomes = append(outcomes, o)
		return err
	}, processID)
	f := newFinishing(s, outcomes, now)
	if err != nil || len(outcomes) == 0 {
		return f, err
	}
	return f, f.run(r)
}
