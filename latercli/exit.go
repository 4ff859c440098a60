package latercli

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

// ErrUsage: the command line itself is wrong.
var ErrUsage = errors.New("wrong usage")

// usagef is an error of the command line itself.
func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// failure is an error of a command, fit to be printed on a terminal: there may be
// characters in it that come from a store.
type failure struct{ error }

func (f failure) Error() string { return printable(f.error.Error()) }
func (f failure) Unwrap() error { return f.error }

// ExitCode is the code to exit with after an error of a command; 0 for nil:
// 1 failed, 2 wrong usage, 3 not found, 5 conflict, 6 store unreachable.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, ErrUsage), errors.Is(err, later.ErrInvalidArgs),
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
