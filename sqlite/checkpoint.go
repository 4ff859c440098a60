package sqlite

import (
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// checkpointAt is how many bytes of the write-ahead log are moved at a time.
	checkpointAt = 8 << 20
	// longLog is a write-ahead log that has not begun anew for too long.
	longLog = 64 << 20
	// restartPatience is how long the writer stands still for readers to end, so that a
	// long log can begin anew.
	restartPatience = 200 * time.Millisecond
)

// logSize follows the length of the write-ahead log.
type logSize struct {
	limit    int64        // longLog
	patience int64        // bytes until the log is made to begin anew: the limit, doubled each time in vain
	long     atomic.Int64 // bytes of a log that could not be made to; 0: all is well
}

func (l *logSize) isShort() {
	l.patience = l.limit
	l.long.Store(0)
}

// checkpoint moves the write-ahead log into the file. Only the writer can do it
// to the end, since nobody writes meanwhile. Readers hold it up, and the log
// grows: usually they are short.
func (w *writer) checkpoint() {
	w.unmoved = 0
	if w.store.inMemory {
		return
	}
	bytes, _, err := w.moveLog("PASSIVE")
	// A failure loses nothing, and the next one moves more; but the write-ahead log may
	// not be on the disk.
	if w.doubt = doubtAfter(err); err != nil {
		return
	}
	if bytes < w.log.limit {
		w.log.isShort()
	}
	if bytes >= w.log.patience {
		w.restartLog()
	}
}

// restartLog waits a little for the readers of the log, of which there may be always
// some, so that it begins anew. One that does not end is worth an alarm, and not a
// further wait each time.
func (w *writer) restartLog() {
	s := &session{prepare: w.statement}
	if _, err := s.exec(setBusyTimeout(restartPatience)); err != nil {
		return
	}
	bytes, held, err := w.moveLog("RESTART")
	w.doubt = doubtAfter(err)
	if held {
		w.log.patience *= 2
		w.log.long.Store(bytes)
	} else if err == nil {
		w.log.isShort()
	}
	if _, err := s.exec(setBusyTimeout(busyTurn)); err != nil {
		w.doubt = max(w.doubt, doubtsLog) // take a new connection
	}
}

// moveLog makes a checkpoint, and returns the length of the log and whether somebody
// holds it up.
func (w *writer) moveLog(mode string) (bytes int64, held bool, err error) {
	var busy, frames, moved, pageSize int64
	if err := w.conn.QueryRowContext(uninterrupted, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &moved); err != nil {
		return 0, false, err
	}
	if err := w.conn.QueryRowContext(uninterrupted, "PRAGMA page_size").Scan(&pageSize); err != nil {
		return 0, false, err
	}
	return frames * (pageSize + frameHeaderSize), busy != 0 || moved < frames, nil
}

// Alarm tells of a write-ahead log that grows and grows: it slows down readers, and
// fills the disk.
func (s *Store) Alarm() string {
	bytes := s.writer.log.long.Load()
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("the write-ahead log %s has grown to %d MB, because somebody reads an old state of the database and does not end; "+
		"end that transaction, or the program that has it", logOf(s.path), bytes>>20)
}
