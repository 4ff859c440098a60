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
func (s *Store) Beat(ctx context.Context, processID int64, state store.ProcessState, now time.Time) (store.Beaten, error) {
	now = s.orNow(now)
	var beaten store.Beaten
	known, asked := false, false
	err := s.live(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		sent := time.Now()
		own := s.own(ctx, conn)
		err := own.query("beat", func(r row) error {
			var told time.Time
			var id, token pgtype.Int8
			var claimedAt pgtype.Timestamptz
			var reason pgtype.Text
			if err := r.Scan(&told, &id, &token, &claimedAt, &reason, &asked); err != nil {
				return err
			}
			if !known {
				s.clock.set(told, sent)
			}
			known = true
			if !id.Valid {
				return nil
			}
			beaten.Claims = append(beaten.Claims, store.Claimed{JobID: id.Int64, Token: token.Int64, ClaimedAt: timeOf(claimedAt)})
			if reason.Valid {
				beaten.Cancels = append(beaten.Cancels, store.CancelRequest{JobID: id.Int64, Reason: reason.String})
			}
			return nil
		}, processID, now, string(state), s.clock.ahead().Microseconds())
		if err == nil && asked { // rarely: most beats are one statement
			beaten.Requests, err = requestsOf(own, processID, now)
		}
		return err
	})
	switch {
	case err != nil:
		return store.Beaten{}, err
	case !known:
		s.locks.Release(processID) // it never comes back under that id
		return store.Beaten{}, fmt.Errorf("process %d: %w", processID, store.ErrProcessGone)
	}
	return beaten, nil
}

// Leave removes a process and releases what it still has.
func (s *Store) Leave(ctx context.Context, processID int64, now time.Time) error {
	now = s.orNow(now)
	n := &news{}
	err := s.live(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.inOwnTx(ctx, conn, true, func(r *session) error {
			if _, err := r.exec("leave", []int64{processID}); err != nil {
				return err
			}
			release, err := s.releaseAll(r, processID, now)
			if err == nil {
				release.committed(n)
			}
			return err
		})
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
	err := r.query("claims_of_process", func(r row) error {
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
