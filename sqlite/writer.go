package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/store"
)

// request is one call of a verb that writes.
type request struct {
	rank    rank
	durable bool                 // must survive a power failure once it is answered
	idle    func(*session) bool  // reports that there is nothing to do, without a transaction; nil: always something
	run     func(*session) error // one of run and jobs is set
	jobs    []enqueuing          // merged with those of other requests
	size    int                  // rough number of bytes it writes

	state atomic.Int32 // waiting, begun or dropped
	err   error        // valid once done is closed
	done  chan struct{}
}

// rank is the place of a request within a batch: what frees and what people want
// goes first, claims go last so that they see all the others have made ready.
type rank uint8

const (
	rankControl rank = iota
	rankFinish
	rankEnqueue
	rankClaim
)

const (
	waiting int32 = iota
	begun
	dropped // its caller has gone before it began
)

// transactionSize is roughly what a transaction adds to the write-ahead log beside its
// rows: it writes whole pages, of which those of a few rows hold little that is new.
const transactionSize = 24 << 10

// maxRequests bounds one batch.
const maxRequests = 2000

// writer is the one goroutine that writes. All of its fields are its own, but
// for the channels.
type writer struct {
	store    *Store
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	patience time.Duration // with other writers of the file
	full     bool          // the present mode of synchronous
	doubt    doubt         // what an error has left unproved
	unmoved  int           // rough number of bytes in the write-ahead log
	log      logSize
	commits  atomic.Int64 // so far
	company  company
	requests chan *request
	stop     chan struct{}
	stopped  chan struct{}
}

func newWriter(s *Store, conn *sql.Conn) *writer {
	return &writer{
		store: s, conn: conn, prepared: map[string]*sql.Stmt{}, company: company{yield: runtime.Gosched}, full: true, patience: busyTimeout, log: logSize{limit: longLog, patience: longLog},
		requests: make(chan *request, maxRequests),
		stop:     make(chan struct{}), stopped: make(chan struct{}),
	}
}

// do hands a request to the writer and waits for its commit. The end of ctx
// drops a request that has not begun; one that has begun is committed, and only
// the waiting ends. So after an error nobody may read what the request fills in,
// since the writer may be at it.
func (s *Store) do(ctx context.Context, r *request) error {
	r.done = make(chan struct{})
	select {
	case s.writer.requests <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.writer.stopped:
		return store.ErrClosed
	}
	select {
	case <-r.done:
		return classify(r.err)
	case <-ctx.Done():
		r.state.CompareAndSwap(waiting, dropped)
		return context.Cause(ctx)
	case <-s.writer.stopped:
		select {
		case <-r.done:
			return classify(r.err)
		default:
			return store.ErrClosed
		}
	}
}

func (w *writer) loop() {
	defer close(w.stopped)
	for {
		select {
		case first := <-w.requests:
			w.company.giveWay()
			w.answer(w.gather(first))
		case <-w.stop:
			return
		}
		if w.unmoved >= checkpointAt && w.doubt == noDoubt {
			w.checkpoint()
		}
	}
}

func (w *writer) gather(first *request) []*request {
	batch := []*request{first}
	for len(batch) < maxRequests {
		select {
		case next := <-w.requests:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// answer commits a batch. If a request of it fails, they are tried one by one, so
// that only the guilty one fails.
func (w *writer) answer(batch []*request) {
	batch = slices.DeleteFunc(batch, func(r *request) bool { return !r.state.CompareAndSwap(waiting, begun) })
	slices.SortStableFunc(batch, func(a, b *request) int { return int(a.rank) - int(b.rank) })
	w.store.memory.Lock()
	wake, err := w.attempt(batch)
	if err != nil && len(batch) > 1 && !w.allFail(err) {
		for _, r := range batch {
			var one store.Wake
			one, r.err = w.attempt([]*request{r})
			wake = wake.Merge(one)
		}
	} else {
		for _, r := range batch {
			r.err = err
		}
	}
	w.store.memory.Unlock()
	for _, r := range batch {
		close(r.done)
	}
	w.store.listeners.Wake(wake)
}

// unready is the error of a store that cannot write at all, whatever it is asked.
type unready struct{ error }

func (u unready) Unwrap() error { return u.error }

// allFail tells errors that are not the fault of a request.
func (w *writer) allFail(err error) bool {
	return w.doubt != noDoubt || errors.As(err, new(unready))
}

// attempt commits requests, if what is there can be relied on.
func (w *writer) attempt(batch []*request) (store.Wake, error) {
	if err := w.settle(); err != nil {
		return store.Wake{}, unready{err}
	}
	wake, err := w.commit(batch)
	w.doubt = doubtAfter(err)
	return wake, err
}

// commit runs requests in one transaction. Those that have nothing to do cost
// none.
func (w *writer) commit(batch []*request) (store.Wake, error) {
	s := &session{prepare: w.statement}
	durable, busy := false, batch[:0:0]
	for _, r := range batch {
		if r.idle != nil && len(batch) == 1 && r.idle(s) {
			continue
		}
		durable = durable || r.durable
		busy = append(busy, r)
	}
	if len(busy) == 0 {
		return store.Wake{}, nil
	}
	if err := w.store.files.check(); err != nil {
		return store.Wake{}, unready{err}
	}
	if err := w.begin(durable); err != nil {
		return store.Wake{}, unready{err}
	}
	if err := w.runAll(s, busy); err != nil {
		w.rollback()
		return store.Wake{}, err
	}
	if _, err := s.exec("COMMIT"); err != nil {
		w.rollback()
		return store.Wake{}, err
	}
	w.commits.Add(1)
	w.unmoved += transactionSize
	if durable {
		// What went into a file that nobody can open again is not acknowledged.
		if err := w.store.files.check(); err != nil {
			return s.wake, unready{err}
		}
	}
	return s.wake, nil
}

func (w *writer) runAll(s *session, batch []*request) error {
	var enqueues []*request
	for i, r := range batch {
		w.unmoved += r.size
		if r.jobs != nil {
			enqueues = append(enqueues, r)
			if i+1 < len(batch) && batch[i+1].jobs != nil {
				continue
			}
			if err := enqueueAll(s, enqueues); err != nil {
				return err
			}
			enqueues = nil
			continue
		}
		if err := r.run(s); err != nil {
			return err
		}
	}
	return nil
}

// begin opens a transaction with the durability that it needs.
func (w *writer) begin(durable bool) error {
	s := &session{prepare: w.statement}
	if durable != w.full && !w.store.inMemory {
		mode := "PRAGMA synchronous=NORMAL"
		if durable {
			mode = "PRAGMA synchronous=FULL"
		}
		if _, err := s.exec(mode); err != nil {
			return err
		}
		w.full = durable
	}
	for deadline := time.Now().Add(w.patience); ; {
		_, err := s.exec("BEGIN IMMEDIATE")
		if !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		<-time.After(time.Millisecond) // some say busy without having waited
	}
}

// rollback fails if SQLite has rolled back already, as it does when the disk fails.
func (w *writer) rollback() {
	_, _ = w.conn.ExecContext(uninterrupted, "ROLLBACK")
}

// statement prepares a named statement once.
func (w *writer) statement(name string) (statement, error) {
	if prepared := w.prepared[name]; prepared != nil {
		return prepared, nil
	}
	text, ok := queries[name]
	if !ok {
		if strings.HasPrefix(name, "SELECT ") {
			return unkept{w.conn, name}, nil // built for a filter: they differ too much to be kept
		}
		text = name // BEGIN, COMMIT and pragmas need no name
	}
	prepared, err := w.conn.PrepareContext(uninterrupted, text)
	if err != nil {
		return nil, err
	}
	w.prepared[name] = prepared
	return prepared, nil
}

// unkept is a statement of the writer that is used once.
type unkept struct {
	conn *sql.Conn
	text string
}

func (u unkept) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return u.conn.ExecContext(ctx, u.text, args...)
}

func (u unkept) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return u.conn.QueryContext(ctx, u.text, args...)
}

// close stops the writer after the request at hand; later ones get ErrClosed.
func (w *writer) close() error {
	close(w.stop)
	<-w.stopped
	if err := w.settle(); err != nil {
		if w.doubt != lostForGood {
			w.disconnect()
		}
		return fmt.Errorf("close the writer: %w", err)
	}
	for _, prepared := range w.prepared {
		prepared.Close()
	}
	w.truncate()
	if err := w.conn.Close(); err != nil {
		return fmt.Errorf("close the writer: %w", err)
	}
	return nil
}

// truncate moves all of the write-ahead log into the file, if nobody reads an old
// snapshot. It does not wait for readers: that would hold up the writers of all other
// processes.
func (w *writer) truncate() {
	if w.store.inMemory {
		return
	}
	for _, pragma := range []string{
		"PRAGMA busy_timeout=0", "PRAGMA wal_checkpoint(TRUNCATE)",
		setBusyTimeout(busyTimeout), // the connection may be the user's
	} {
		_, _ = w.conn.ExecContext(uninterrupted, pragma) // whoever opens the file moves what is left
	}
}
