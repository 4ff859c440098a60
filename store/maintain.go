package store

import "context"

// Checker is what a Store also is that can check itself.
type Checker interface {
	// Check says what of the store is damaged or does not fit together; nothing, if all is
	// well. It reads everything, while others work.
	Check(ctx context.Context) (problems []string, err error)
}

// Backer is what a Store also is that can write a copy of itself to a file, as it is at
// one moment, while others work.
type Backer interface {
	// Backup writes and checks the copy. ErrConflict: the file exists.
	Backup(ctx context.Context, path string) error
}
