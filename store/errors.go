package store

import "errors"

// The errors that callers tell apart.
var (
	ErrNotFound      = errors.New("not found")
	ErrConflict      = errors.New("conflict")              // the job is in a state that does not allow it
	ErrDuplicate     = errors.New("duplicate")             // another job holds the unique key: see DuplicateError
	ErrClosed        = errors.New("the store is closed")   // Close was called before
	ErrProcessGone   = errors.New("process declared dead") // its jobs run elsewhere
	ErrFull          = errors.New("disk full")             // nothing was stored
	ErrUnavailable   = errors.New("store unavailable")     // not reachable, locked for too long, or broken
	ErrWrongTx       = errors.New("transaction of another store")
	ErrVersion       = errors.New("schema version mismatch") // newer than the program, or older and not migrated
	ErrInvalidFilter = errors.New("invalid filter")          // a Filter has a condition that makes no sense
	ErrUnsuitable    = errors.New("unsuitable database")     // another application's file, a network file system, an unsafe version
)
