package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/laterjobs/later/store"
)

// classify makes an error of the database match a sentinel of the contract.
func classify(err error) error {
	if err == nil || matchesSentinel(err) {
		return err
	}
	if errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: %w", store.ErrClosed, err)
	}
	var failure *driver.Error
	if !errors.As(err, &failure) {
		return classifyText(err)
	}
	switch failure.Code() & 0xff {
	case code.SQLITE_FULL:
		return fmt.Errorf("%w: nothing was stored; free some space: %w", store.ErrFull, err)
	case code.SQLITE_BUSY, code.SQLITE_LOCKED, code.SQLITE_IOERR, code.SQLITE_CANTOPEN,
		code.SQLITE_READONLY, code.SQLITE_PROTOCOL:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case code.SQLITE_NOTADB, code.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", store.ErrUnsuitable, err)
	}
	return err
}

// isBusy reports whether another connection was writing.
func isBusy(err error) bool {
	var failure *driver.Error
	if errors.As(err, &failure) {
		return failure.Code()&0xff == code.SQLITE_BUSY
	}
	return err != nil && strings.Contains(err.Error(), "database is locked")
}

// classifyText is for the drivers of others, which have error types of their own.
func classifyText(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "database is closed"):
		return fmt.Errorf("%w: %w", store.ErrClosed, err)
	case strings.Contains(text, "disk is full"):
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case strings.Contains(text, "database is locked"), strings.Contains(text, "disk I/O error"),
		strings.Contains(text, "unable to open database"), strings.Contains(text, "readonly database"):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case strings.Contains(text, "not a database"):
		return fmt.Errorf("%w: %w", store.ErrUnsuitable, err)
	}
	return err
}

func matchesSentinel(err error) bool {
	for _, sentinel := range []error{
		store.ErrNotFound, store.ErrConflict, store.ErrClosed, store.ErrProcessGone, store.ErrFull,
		store.ErrUnavailable, store.ErrWrongTx, store.ErrVersion, store.ErrUnsuitable, store.ErrInvalidFilter,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}
