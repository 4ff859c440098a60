package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laterjobs/later/store"
)

// hearing is whether messages arrive, as it was last found out: that takes a connection
// of its own, and doctor is asked every few seconds by a dashboard that somebody looks at.
type hearing struct {
	mu   sync.Mutex
	at   time.Time
	look store.Inspection
}

const (
	hearingKept = 30 * time.Second
	// hearingWait is how long a message may take that usually takes a millisecond.
	hearingWait = 3 * time.Second
)

// inspectMessages sends a message to itself, over another connection than the one that
// listens. Over the same one it would arrive even where a pooler is not noticed.
func (s *Store) inspectMessages(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	switch {
	case s.withoutListen:
		return store.Inspection{Name: "messages", Value: "not asked for"}, nil
	case s.pooled:
		return deaf("a pooler is in between"), nil
	}
	s.hearing.mu.Lock()
	defer s.hearing.mu.Unlock()
	if time.Since(s.hearing.at) < hearingKept {
		return s.hearing.look, nil
	}
	arrived, err := s.hearOneself(ctx, conn)
	if err != nil {
		return store.Inspection{}, errCannotLook
	}
	s.hearing.at = time.Now()
	s.hearing.look = store.Inspection{Code: "L312", Name: "messages", Value: "arrive"}
	if !arrived {
		s.hearing.look = deaf("none arrived within " + hearingWait.String())
	}
	return s.hearing.look, nil
}

// errCannotLook: there is a reason why something cannot be looked at.
var errCannotLook = errors.New("cannot be looked at")

func deaf(why string) store.Inspection {
	return store.Inspection{
		Code: "L312", Name: "messages", Value: why,
		Problem: "Messages of the database (LISTEN) do not arrive here: jobs of other processes are found by polling.",
		Fix:     "Give later the address of the server itself, past the pooler; or say that it is meant so: postgres.WithoutListen().",
	}
}

// hearOneself reports whether a message gets from one connection to another. The channel
// is nobody else's.
func (s *Store) hearOneself(ctx context.Context, conn *pgx.Conn) (arrived bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.connectTimeout+hearingWait)
	defer cancel()
	ear, err := s.dial(ctx)
	if err != nil {
		return false, err
	}
	defer ear.Close(context.WithoutCancel(ctx))
	channel := "later_doctor_" + strconv.FormatUint(rand.Uint64(), 36)
	if _, err := ear.Exec(ctx, "LISTEN "+channel, pgx.QueryExecModeExec); err != nil {
		return false, err // such as on a standby
	}
	if _, err := conn.Exec(ctx, "NOTIFY "+channel, pgx.QueryExecModeExec); err != nil {
		return false, err
	}
	waiting, done := context.WithTimeout(ctx, hearingWait)
	defer done()
	_, err = ear.WaitForNotification(waiting)
	if err != nil && (ctx.Err() != nil || !pgconn.Timeout(err)) {
		return false, err
	}
	return err == nil, nil
}
