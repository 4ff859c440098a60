package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// Join makes a process known, with an operating-system lock that proves that
// it lives.
func (s *Store) Join(ctx context.Context, p store.Process, now time.Time) error {
	now = orNow(now)
	var queues any
	if p.Queues != nil {
		encoded, err := json.Marshal(p.Queues)
		if err != nil {
			return fmt.Errorf("queues of process %d: %w", p.ID, err)
		}
		queues = string(encoded)
	}
	performs, err := namesText(p.Performs)
	if err != nil {
		return fmt.Errorf("types of process %d: %w", p.ID, err)
	}
	if err := s.locks.Hold(p.ID); err != nil {
		return fmt.Errorf("%w: lock of process %d: %w", store.ErrUnavailable, p.ID, err)
	}
	r := &request{rank: rankControl, run: func(s *session) error {
		if _, err := s.exec("join", p.ID, now.UnixMicro(), string(p.State), p.Host, p.PID, p.Version,
			p.StartedAt.UnixMicro(), queues, p.Slots, performs); err != nil {
			return err
		}
		for _, t := range p.Types {
			if _, err := s.exec("publish_type", t.Name, t.Description, t.Queue, t.Priority, t.MaxRetries,
				t.Timeout.Microseconds(), nullableText(t.Schema), now.UnixMicro(), t.StartWithin.Microseconds(), t.FinishWithin.Microseconds(), nullText(t.Unique.Text())); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := s.do(ctx, r); err != nil {
		s.locks.Release(p.ID)
		return err
	}
	return nil
}

// namesText is a list of names as a column holds it; nil: not known.
func namesText(names []string) (any, error) {
	if names == nil {
		return nil, nil
	}
	text, err := json.Marshal(names)
	return string(text), err
}

func nullableText(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

// Beat raises the beat of a process.
func (s *Store) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	var beaten store.Beaten
	now = orNow(now)
	holds := map[store.Claimed]bool{}
	for _, c := range h.Held {
		holds[store.Claimed{JobID: c.JobID, Token: c.Token}] = true
	}
	r := &request{rank: rankControl, run: func(s *session) error {
		changed, err := s.exec("beat", h.ProcessID, now.UnixMicro(), string(h.State))
		if err != nil || changed == 0 {
			return orGone(err, h.ProcessID)
		}
		found, err := claims(s, "claims_of_process", h.ProcessID) // few: no dead ones stay in a file
		beaten = store.Beaten{Searched: h.Search}
		for _, c := range found {
			if !h.Search && !holds[store.Claimed{JobID: c.id, Token: c.token}] {
				continue
			}
			beaten.Claims = append(beaten.Claims, store.Claimed{
				JobID: c.id, Token: c.token, ClaimedAt: time.UnixMicro(c.claimedAt).UTC(),
			})
			if c.cancel.Valid {
				beaten.Cancels = append(beaten.Cancels, store.CancelRequest{JobID: c.id, Reason: c.cancel.String})
			}
		}
		if err == nil {
			beaten.Requests, err = requestsOf(s, h.ProcessID, now)
		}
		return err
	}}
	if err := s.do(ctx, r); err != nil {
		if errors.Is(err, store.ErrProcessGone) {
			s.locks.Release(h.ProcessID) // it never comes back under that id
		}
		return store.Beaten{}, err // what the writer may still be filling in
	}
	return beaten, nil
}

func orGone(err error, processID int64) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("process %d: %w", processID, store.ErrProcessGone)
}

// Leave removes a process and releases what it still has.
func (s *Store) Leave(ctx context.Context, processID int64, now time.Time) error {
	now = orNow(now)
	r := &request{rank: rankControl, run: func(s *session) error {
		if _, err := s.exec("leave", processID); err != nil {
			return err
		}
		held, err := claims(s, "claims_of_process", processID)
		if err != nil || len(held) == 0 {
			return err
		}
		release := finishing{now: now}
		for _, claim := range held {
			release.move(claim, store.Outcome{Kind: store.Release})
		}
		if err := endClaims(s, held); err != nil {
			return err
		}
		return release.moves.apply(s)
	}}
	if err := s.do(ctx, r); err != nil {
		return err
	}
	s.locks.Release(processID)
	return nil
}
