package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"

	"github.com/laterjobs/later/store"
)

// identity tells whether the names of the store's files still lead to the files that
// are open. A file that was deleted can be written for as long as it is open, and
// is gone afterwards with all that was acknowledged.
type identity struct{ files []openFile }

type openFile struct {
	path string
	info os.FileInfo
}

// identify looks at the files of an open database: by the name that was given, which
// may be a link, and by its own. What is not there is not a file of the operating
// system, and not watched.
func identify(ctx context.Context, conn *sql.Conn, given string) (identity, error) {
	path, err := databasePath(ctx, conn)
	if err != nil {
		return identity{}, err
	}
	var id identity
	for _, path := range []string{given, path, logOf(path)} {
		known := slices.ContainsFunc(id.files, func(f openFile) bool { return f.path == path })
		if info, err := os.Stat(path); err == nil && !known {
			id.files = append(id.files, openFile{path, info})
		}
	}
	return id, nil
}

// databasePath is the path of the main database with every link followed.
func databasePath(ctx context.Context, conn *sql.Conn) (path string, err error) {
	var number int
	var name string
	err = conn.QueryRowContext(ctx, "PRAGMA database_list").Scan(&number, &name, &path)
	return path, err
}

// logOf is the path of the write-ahead log of a database.
func logOf(path string) string { return path + "-wal" }

// check returns store.ErrUnavailable if a name leads elsewhere by now.
func (id identity) check() error {
	for _, file := range id.files {
		if info, err := os.Stat(file.path); err != nil || !os.SameFile(info, file.info) {
			return fmt.Errorf("%w: %s was deleted, moved or replaced while it was open; put it back, or restart the program to use the new one",
				store.ErrUnavailable, file.path)
		}
	}
	return nil
}
