package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	sqlitedriver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/laterjobs/later/store"
)

// doubt is what the writer cannot rely on after an error, until it has settled it.
type doubt uint8

const (
	noDoubt     doubt = iota
	doubtsLog         // the disk refused a request: what was not synced may never be written
	doubtsFile        // SQLite has read nonsense
	lostForGood       // what was acknowledged may be lost: only a new start can tell
)

// doubtAfter says what an error of the database puts in doubt.
func doubtAfter(err error) doubt {
	if err == nil {
		return noDoubt
	}
	var failure *sqlitedriver.Error
	if errors.As(err, &failure) {
		switch failure.Code() & 0xff {
		case code.SQLITE_IOERR:
			return doubtsLog
		case code.SQLITE_CORRUPT, code.SQLITE_NOTADB:
			return doubtsFile
		}
		return noDoubt
	}
	switch text := err.Error(); { // the drivers of others
	case strings.Contains(text, "disk I/O error"):
		return doubtsLog
	case strings.Contains(text, "malformed"), strings.Contains(text, "not a database"):
		return doubtsFile
	}
	return noDoubt
}

// settle makes the writer reliable again after an error of the disk: with a new
// connection, and only once the write-ahead log is proved to be on the disk. Until
// then nothing is acknowledged.
func (w *writer) settle() error {
	if w.doubt == noDoubt || w.store.inMemory {
		return nil
	}
	if w.doubt == lostForGood {
		return fmt.Errorf("%w: %w; nothing more is written. Check the disk, then restart the program", store.ErrUnavailable, errLogLost)
	}
	ctx, cancel := context.WithTimeout(uninterrupted, busyTimeout)
	defer cancel()
	err := w.reconnect(ctx)
	if err == nil && w.doubt == doubtsFile {
		err = w.checkFile(ctx)
	}
	if err == nil {
		err = w.saveLog(ctx)
	}
	switch {
	case err == nil:
		w.doubt = noDoubt
		return nil
	case errors.Is(err, errLogLost):
		w.doubt = lostForGood
		return w.settle()
	case errors.Is(classify(err), store.ErrUnsuitable):
		return classify(err)
	}
	return fmt.Errorf("%w: open again after an error of the disk: %w", store.ErrUnavailable, err)
}

// reconnect gives up the writer's connection, with all that it remembers, for a new
// one. The new one is there first: the last connection to go would move the log into
// the file, and that cannot be trusted now.
func (w *writer) reconnect(ctx context.Context) error {
	if w.store.owned { // Linux tells every open file of the error once: one that is new knows nothing of it
		w.store.db.SetMaxIdleConns(0)
		w.store.db.SetMaxIdleConns(maxIdle)
	}
	conn, err := w.store.db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := w.store.configure(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	if err := w.store.files.check(); err != nil {
		return errors.Join(err, conn.Close())
	}
	w.disconnect()
	w.conn, w.full = conn, true
	return nil
}

// disconnect closes the connection, so that nobody else is given it.
func (w *writer) disconnect() {
	for _, prepared := range w.prepared {
		prepared.Close()
	}
	clear(w.prepared)
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// saveLog proves that the write-ahead log is on the disk. The lock of a transaction
// keeps all others from changing it.
func (w *writer) saveLog(ctx context.Context) error {
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer w.rollback()
	other, err := w.store.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer other.Close()
	var busy, frames, moved int
	if err := other.QueryRowContext(ctx, "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	path, err := databasePath(ctx, other)
	if err != nil {
		return err
	}
	return rewriteLog(logOf(path), frames)
}

// checkFile tells a damaged file from one that was misread once.
func (w *writer) checkFile(ctx context.Context) error {
	var verdict string
	err := w.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	if err == nil && verdict == "ok" {
		return nil
	}
	if err != nil {
		verdict = err.Error()
	}
	return fmt.Errorf("%w: the file is damaged, nothing more is written; restore a backup: %s", store.ErrUnsuitable, verdict)
}
