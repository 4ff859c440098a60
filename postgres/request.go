package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// Ask stores a request to a process, whose next beat brings it.
func (s *Store) Ask(ctx context.Context, r store.Request, now time.Time) error {
	now = s.orNow(now)
	err := s.readOnce(ctx, func(s *session) error { // may be repeated: the id is its own
		if _, err := s.exec("forget_requests", now.Add(-store.RequestKept)); err != nil {
			return err
		}
		added, err := s.exec("ask", r.ID, r.ProcessID, string(r.Kind), r.JobID, r.By, now)
		if err == nil && added == 0 {
			return fmt.Errorf("process %d: %w", r.ProcessID, store.ErrNotFound)
		}
		return err
	})
	if err == nil {
		s.tell(&news{wake: store.Wake{Cancels: true}})
	}
	return err
}

// Answer stores what came of a request.
func (s *Store) Answer(ctx context.Context, requestID int64, answer string, now time.Time) error {
	now = s.orNow(now)
	return s.readOnce(ctx, func(s *session) error { // may be repeated: the first answer stays
		_, err := s.exec("answer", requestID, answer, now)
		return err
	})
}

// Request returns a request, with its answer if there is one.
func (s *Store) Request(ctx context.Context, id int64) (store.Request, error) {
	var requests []store.Request
	err := s.readOnce(ctx, func(r *session) (err error) {
		requests, err = readRequests(r, "request", id)
		return err
	})
	if err == nil && len(requests) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Request{}, err
	}
	return requests[0], nil
}

// requestsOf are the requests that a beat brings to a process.
func requestsOf(s *session, processID int64, now time.Time) ([]store.Request, error) {
	return readRequests(s, "requests_of_process", processID, now.Add(-store.RequestPatience), store.MaxRequests)
}

func readRequests(s *session, query string, args ...any) (requests []store.Request, err error) {
	err = s.query(query, func(r row) error {
		var one store.Request
		var asked, answered pgtype.Timestamptz
		var answer pgtype.Text
		err := r.Scan(&one.ID, &one.ProcessID, &one.Kind, &one.JobID, &one.By, &asked, &answered, &answer)
		one.AskedAt, one.AnsweredAt, one.Answer = timeOf(asked), timeOf(answered), answer.String
		requests = append(requests, one)
		return err
	}, args...)
	return requests, err
}
