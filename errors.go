package later

import (
	"errors"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/internal/envelope"
	"github.com/laterjobs/later/store"
)

// The errors that callers tell apart with errors.Is.
var (
	// ErrInvalidArgs: the arguments fail validation, do not encode, or contain a
	// NUL character. The error lists every problem with its JSON pointer.
	ErrInvalidArgs = errors.New("invalid arguments")
	// ErrInvalidOption: an option or a field of Config has an impossible value.
	ErrInvalidOption = errors.New("invalid option")
	// ErrUnknownType: no handler is registered here for the name, and no
	// process has published one.
	ErrUnknownType = errors.New("unknown job type")
	// ErrTooLarge: the arguments or the metadata exceed Config.MaxArgs, or a count has too
	// many groups.
	ErrTooLarge = errors.New("too large")
	// ErrNoKey: a value is encrypted with a key that is not here: see Encrypt.
	ErrNoKey = envelope.ErrNoKey
	// ErrDuplicate: another job holds the unique key; the error is a *DuplicateError.
	ErrDuplicate = store.ErrDuplicate

	ErrNotFound    = store.ErrNotFound    // no such job
	ErrConflict    = store.ErrConflict    // the job or the JobQueue is in a state that does not allow it
	ErrClosed      = store.ErrClosed      // the store has been closed
	ErrWrongTx     = store.ErrWrongTx     // the transaction works on another database
	ErrFull        = store.ErrFull        // the disk is full; nothing was stored
	ErrUnavailable = store.ErrUnavailable // the store cannot be reached or is locked for too long
	ErrVersion     = store.ErrVersion     // the store is newer than the program, or older and not migrated
	ErrUnsuitable  = store.ErrUnsuitable  // not a database that jobs can be kept in

	ErrInvalidFilter = store.ErrInvalidFilter // a query cannot be read, or a Filter has a condition that makes no sense
)

// The causes with which a handler's context ends: see context.Cause.
var (
	ErrTimeout   = engine.ErrTimeout   // the job's timeout is over
	ErrDeadline  = engine.ErrDeadline  // the job had to start or finish earlier: see StartBy and FinishBy
	ErrCancelled = engine.ErrCancelled // somebody asked to cancel the job
	ErrStopping  = engine.ErrStopping  // the process stops; the job will run again
	ErrLeaseLost = engine.ErrLeaseLost // the process was out of touch; the job may run elsewhere
)
