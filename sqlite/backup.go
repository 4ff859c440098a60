package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/laterjobs/later/internal/sqlfile"
	"github.com/laterjobs/later/store"
)

// Backup writes a copy of the store, as it is at one moment, to a file that does not exist
// yet, and checks it. Others go on working: the copy is made by a reader, which holds back
// nobody. Meanwhile the write-ahead log grows by what they write. The file appears under
// its name when it is whole and on the disk.
//
// A restored backup is a store of its own: see the page on guarantees.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if s.closed.Load() {
		return store.ErrClosed
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s exists already: a backup replaces nothing", store.ErrConflict, path)
	}
	if err := checkFileSystem(sqlfile.Network(filepath.Dir(path))); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(path), ".later-backup-")
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(partial)) }()
	copied := filepath.Join(partial, "copy.db")
	if err := s.copyTo(ctx, copied); err != nil {
		return fmt.Errorf("back up to %s: %w", path, classify(err))
	}
	if err := checkCopy(ctx, copied); err != nil {
		return fmt.Errorf("back up to %s: the copy: %w", path, err)
	}
	for _, step := range []func() error{
		func() error { return syncFile(copied) },
		func() error { return os.Link(copied, path) }, // unlike Rename, replaces nothing
		func() error { return syncFile(filepath.Dir(path)) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("back up to %s: %w", path, err)
		}
	}
	return nil
}

// copyTo lets a connection of its own write the database to another file.
func (s *Store) copyTo(ctx context.Context, path string) (err error) {
	if err := s.files.check(); err != nil {
		return err
	}
	s.memory.RLock()
	defer s.memory.RUnlock()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	_, err = conn.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// checkCopy proves that the file is a whole store.
func checkCopy(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+
		"?mode=ro&immutable=1&_pragma=busy_timeout("+strconv.Itoa(int(busyTimeout.Milliseconds()))+")")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var sound string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&sound); err != nil {
		return classify(err)
	}
	if sound != "ok" {
		return fmt.Errorf("%w: it is damaged: %s", store.ErrUnsuitable, sound)
	}
	var id string
	return classify(db.QueryRowContext(ctx, query("store_id")).Scan(&id))
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
