package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/laterjobs/later"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 5
	exitUnreachable = 6
)

var errUsage = errors.New("wrong usage")

// usagef is an error of the command line itself.
func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}

// exitCode prints an error and returns the code that stands for it.
func (a *app) exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(a.err, "later: %s\n", printable(err.Error()))
	switch {
	case !a.started, errors.Is(err, errUsage), errors.Is(err, later.ErrInvalidArgs),
		errors.Is(err, later.ErrInvalidOption), errors.Is(err, later.ErrTooLarge):
		return exitUsage
	case errors.Is(err, later.ErrNotFound), errors.Is(err, later.ErrUnknownType):
		return exitNotFound
	case errors.Is(err, later.ErrConflict):
		return exitConflict
	case errors.Is(err, later.ErrUnavailable), errors.Is(err, later.ErrUnsuitable),
		errors.Is(err, later.ErrVersion), errors.Is(err, later.ErrFull),
		errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission),
		errors.Is(err, context.DeadlineExceeded):
		return exitUnreachable
	}
	return exitFailed
}
