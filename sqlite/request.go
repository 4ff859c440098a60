package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// Ask stores a request to a process, whose next beat brings it.
func (s *Store) Ask(ctx context.Context, r store.Request, now time.Time) error {
	now = orNow(now)
	return s.do(ctx, &request{rank: rankControl, run: func(s *session) error {
		if _, err := s.exec("forget_requests", now.Add(-store.RequestKept).UnixMicro()); err != nil {
			return err
		}
		added, err := s.exec("ask", r.ID, r.ProcessID, string(r.Kind), r.JobID, r.By, now.UnixMicro())
		if err == nil && added == 0 {
			return fmt.Errorf("process %d: %w", r.ProcessID, store.ErrNotFound)
		}
		s.wake.Cancels = true
		return err
	}})
}

// Answer stores what came of a request.
func (s *Store) Answer(ctx context.Context, requestID int64, answer string, now time.Time) error {
	now = orNow(now)
	return s.do(ctx, &request{rank: rankControl, run: func(s *session) error {
		_, err := s.exec("answer", requestID, answer, now.UnixMicro())
		return err
	}})
}

// Request returns a request, with its answer if there is one.
func (s *Store) Request(ctx context.Context, id int64) (found store.Request, err error) {
	err = s.read(ctx, func(r *session) error {
		requests, err := readRequests(r, "request", id)
		if err == nil && len(requests) == 0 {
			return store.ErrNotFound
		}
		if err == nil {
			found = requests[0]
		}
		return err
	})
	return found, err
}

// requestsOf are the requests that a beat brings to a process.
func requestsOf(s *session, processID int64, now time.Time) ([]store.Request, error) {
	return readRequests(s, "requests_of_process", processID, now.Add(-store.RequestPatience).UnixMicro(), store.MaxRequests)
}

func readRequests(s *session, query string, args ...any) (requests []store.Request, err error) {
	err = s.query(query, func(r *sql.Rows) error {
		var one store.Request
		var asked, answered sql.NullInt64
		var answer sql.NullString
		err := r.Scan(&one.ID, &one.ProcessID, &one.Kind, &one.JobID, &one.By, &asked, &answered, &answer)
		one.AskedAt, one.AnsweredAt, one.Answer = timeOf(asked), timeOf(answered), answer.String
		requests = append(requests, one)
		return err
	}, args...)
	return requests, err
}
