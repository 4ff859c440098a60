package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// A database may lose its newest commits and go on: a standby that lagged takes over,
// or somebody restores a backup. Then the sequence goes back as well, and the id of a
// lost job would be given to a new one while a handler of the lost job still runs.
// The tokens of claims protect outcomes from that. For all else that goes by ids, the
// table meta holds the epoch: of which history the database is. Whoever connects and
// finds another history begins a new epoch, whose ids are far above all that can have
// been lost.

// lookAtHistory refuses a standby, and begins a new epoch where the database has
// another history than the epoch says.
func (s *Store) lookAtHistory(ctx context.Context, conn *pgx.Conn) error {
	var standby bool
	var history, epoch pgtype.Text
	err := conn.QueryRow(ctx, s.query("epoch"), pgx.QueryExecModeExec).Scan(&standby, &history, &epoch)
	switch {
	case unknowable(err):
		return nil
	case err != nil:
		return fmt.Errorf("epoch: %w", err)
	case standby:
		return errStandby
	case history == epoch || !history.Valid:
		return nil
	}
	err = insist(ctx, inTheWay, func() error { return s.beginEpoch(ctx, conn, history.String) })
	if err != nil {
		return fmt.Errorf("begin an epoch: %w", err)
	}
	return nil
}

// inTheWay: another process begins it at the same time.
func inTheWay(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && rolledBack(failure.Code)
}

// unknowable: a database that is not PostgreSQL may know no history, and an
// administrator may keep it from the role.
func unknowable(err error) bool {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code {
	case "42883", "42501", "0A000": // no such function, no right to call it, not supported
		return true
	}
	return false
}

// beginEpoch lets ids go on far above the last ones. Of several processes that find
// the new history the first does it.
func (s *Store) beginEpoch(ctx context.Context, conn *pgx.Conn, history string) error {
	var first pgtype.Int8
	err := conn.QueryRow(ctx, s.query("begin_epoch"), pgx.QueryExecModeExec, history, idsApart).Scan(&first)
	var failure *pgconn.PgError
	switch {
	case errors.As(err, &failure) && failure.Code == "42501":
		if !s.meek.Swap(true) {
			s.log.Warn("the database was restored, or a standby has taken over, and ids of lost jobs may be given out again: the role lacks a right", "error", err)
		}
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return nil // another process was first, or the store is new
	case err != nil:
		return err
	}
	s.log.Warn("the database was restored, or a standby has taken over; ids go on higher up, so that none of a lost job is given out again",
		"epoch", history, "id", first.Int64)
	return nil
}

// idsApart is more than any number of jobs that can have been lost. JavaScript reads
// ids of nine million epochs exactly.
const idsApart = 1_000_000_000
