package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laterjobs/later/store"
)

// classify makes an error of the database match a sentinel of the contract.
func classify(err error) error {
	if err == nil || matchesSentinel(err) {
		return err
	}
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return classifyCode(failure.Code, err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), pgconn.SafeToRetry(err), strings.Contains(err.Error(), "conn closed"):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case strings.Contains(err.Error(), "closed pool"):
		return fmt.Errorf("%w: %w", store.ErrClosed, err)
	}
	return err
}

// classifyCode goes by the classes of PostgreSQL's error codes: see appendix A of
// its manual.
func classifyCode(code string, err error) error {
	switch {
	case code == "53100": // disk_full
		return fmt.Errorf("%w: nothing was stored; free some space: %w", store.ErrFull, err)
	case rolledBack(code):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case code == "42501": // insufficient_privilege
		return fmt.Errorf("%w: the role lacks a right; grant it, or migrate with a role that has it: %w", store.ErrUnsuitable, denied{err})
	case code == "42P01", code == "3F000", code == "42703": // no such table, schema, column
		return fmt.Errorf("%w: the tables are missing or older than this program; run: later migrate: %w", store.ErrVersion, err)
	}
	switch code[:2] {
	case "28": // authorization
		return fmt.Errorf("%w: %w", store.ErrUnavailable, denied{err})
	case "08", "53", "57", "58", "25", "3D": // connection, resources, operator, system, read-only standby, no database
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// denied is a refusal of somebody who may not: fs.ErrPermission, as that of a file.
type denied struct{ error }

func (d denied) Unwrap() error        { return d.error }
func (d denied) Is(target error) bool { return target == fs.ErrPermission }

// rolledBack are the codes after which a transaction can simply be tried again:
// serialization failure, deadlock, lock timeout.
func rolledBack(code string) bool {
	return code == "40001" || code == "40P01" || code == "55P03"
}

// tookTooLong reports whether a statement was cut off: by a limit on its time, or by a
// person (query_canceled).
func tookTooLong(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.Code == "57014"
}

// harmless reports whether nothing can have been done, so that trying again does
// nothing twice: the transaction was rolled back, or it never reached the server.
func harmless(err error) bool {
	if errors.Is(err, errNotBegun) {
		return true
	}
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return rolledBack(failure.Code) || starting(failure.Code) || readOnly(err)
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || pgconn.SafeToRetry(err)
}

// starting are the codes with which a server refuses that starts, stops or has
// no connection to give.
func starting(code string) bool {
	return code == "57P03" || code == "53300"
}

// readOnly reports whether a server refused to write: it is a standby, which may be
// promoted any moment.
func readOnly(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.Code == "25006" || errors.Is(err, errStandby)
}

// errStandby: the store's own connections lead to a server that takes writes.
var errStandby = fmt.Errorf("%w: the server is a standby; waiting for its promotion", store.ErrUnavailable)

func matchesSentinel(err error) bool {
	for _, sentinel := range []error{
		store.ErrNotFound, store.ErrConflict, store.ErrDuplicate, store.ErrClosed, store.ErrProcessGone, store.ErrFull,
		store.ErrUnavailable, store.ErrWrongTx, store.ErrVersion, store.ErrUnsuitable, store.ErrInvalidFilter, context.Canceled,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}
