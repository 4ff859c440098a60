package latercli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/laterjobs/later"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNotAllowed  = 4
	exitConflict    = 5
	exitUnreachable = 6
	exitTimedOut    = 7
	exitPartly      = 8
	exitProblem     = 9
	exitJobFailed   = 10
	exitInterrupted = 130
)

// exitCodes says what each code means.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitDone, "done"},
	{exitFailed, "failed, or a person has said no"},
	{exitUsage, "wrong usage, wrong arguments of a job, or a question that nobody could answer"},
	{exitNotFound, "no such job, type, queue or schedule"},
	{exitNotAllowed, "not allowed, by the operating system or the database"},
	{exitConflict, "the job is in a state that does not allow it, or another one holds its unique key"},
	{exitUnreachable, "the store cannot be reached, opened or written"},
	{exitTimedOut, "timed out: see --timeout"},
	{exitPartly, "partly done: some of the jobs that were named"},
	{exitProblem, "a check has found a problem"},
	{exitJobFailed, "the job that was waited for failed or was cancelled"},
	{exitInterrupted, "interrupted by ctrl-C"},
}

// codedError is an error that has its own exit code.
type codedError struct {
	error
	code int
}

func (e codedError) Unwrap() error { return e.error }

// coded gives an error an exit code of its own.
func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return codedError{err, code}
}

// ErrUsage: the command line itself is wrong.
var ErrUsage = errors.New("wrong usage")

// usagef is an error of the command line itself.
func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// failure is an error of a command, fit to be printed on a terminal: there may be
// characters in it that come from a store.
type failure struct{ error }

func (f failure) Error() string { return errorText(f.error) }
func (f failure) Unwrap() error { return f.error }

// errorText is an error for a terminal: PostgreSQL's indents lines with tabs.
func errorText(err error) string { return printable(strings.ReplaceAll(err.Error(), "\t", "  ")) }

// ExitCode is the code to exit with after an error of a command; 0 for nil: 1 failed,
// 2 wrong usage, 3 not found, 4 not allowed, 5 conflict, 6 store unreachable, 7 timed out,
// 8 partly done, 9 a check found a problem, 10 the awaited job failed, 130 interrupted.
func ExitCode(err error) int {
	var own codedError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, ErrUsage), errors.Is(err, later.ErrInvalidArgs),
		errors.Is(err, later.ErrInvalidOption), errors.Is(err, later.ErrTooLarge):
		return exitUsage
	case errors.Is(err, later.ErrNotFound), errors.Is(err, later.ErrUnknownType):
		return exitNotFound
	case errors.Is(err, fs.ErrPermission):
		return exitNotAllowed
	case errors.Is(err, later.ErrConflict), errors.Is(err, later.ErrDuplicate):
		return exitConflict
	case errors.Is(err, later.ErrUnavailable), errors.Is(err, later.ErrUnsuitable),
		errors.Is(err, later.ErrVersion), errors.Is(err, later.ErrFull), errors.Is(err, fs.ErrNotExist):
		return exitUnreachable
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimedOut
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}
