package postgres

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laterjobs/later/store"
)

// part is a verb that is one statement. Parts of one batch go to the server in one
// round trip and are committed together.
type part interface {
	queue(*pgx.Batch)
	read(pgx.BatchResults) error
	committed(*news)
}

// request is one call of a verb that writes: one of part and run is set.
type request struct {
	part    part
	run     func(*session) error // several statements, in a transaction of their own
	single  bool                 // run is one statement, which needs no transaction around it
	durable bool                 // must survive a crash of the server once it is answered
	told    func(*news)          // after run: what it has changed

	state atomic.Int32 // waiting, begun or dropped
	err   error        // valid once done is closed
	done  chan struct{}
}

const (
	waiting int32 = iota
	begun
	dropped // its caller has gone before it began
)

// maxRequests bounds one batch.
const maxRequests = 1000

// writer is one goroutine that writes through one connection. Requests that come
// while it is at work go with the next batch.
type writer struct {
	store    *Store
	link     *link
	requests chan *request
	life     context.Context // ends when the writer is closed
	stop     context.CancelFunc
	stopped  chan struct{}
}

func newWriter(s *Store) *writer {
	w := &writer{
		store: s, link: newLink(s, workTime), requests: make(chan *request, maxRequests), stopped: make(chan struct{}),
	}
	w.life, w.stop = context.WithCancel(context.Background())
	go w.loop()
	return w
}

// do hands a request to the writer and waits for its commit. The end of ctx drops
// a request that has not begun; one that has begun goes on, and only the waiting
// ends. So after an error nobody may read what the request fills in.
func (w *writer) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	r.done = make(chan struct{})
	select {
	case w.requests <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.stopped:
		return store.ErrClosed
	}
	select {
	case <-r.done:
		return classify(r.err)
	case <-ctx.Done():
		r.state.CompareAndSwap(waiting, dropped)
		return context.Cause(ctx)
	case <-w.stopped:
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
			w.answer(w.gather(first))
		case <-w.life.Done():
			return
		}
	}
}

// gather takes along what has come up by now and still wants an answer.
func (w *writer) gather(first *request) (batch []*request) {
	for next := first; ; {
		if next.state.CompareAndSwap(waiting, begun) {
			batch = append(batch, next)
		}
		if len(batch) == maxRequests {
			return batch
		}
		select {
		case next = <-w.requests:
		default:
			return batch
		}
	}
}

// answer commits the parts of a batch together, and each request with several
// statements apart. If a batch fails, its requests are tried one by one, so that
// only the guilty one fails.
func (w *writer) answer(batch []*request) {
	var parts []*request
	for _, r := range batch {
		if r.run == nil {
			parts = append(parts, r)
		}
	}
	if err := insist(w.life, harmless, func() error { return w.commit(parts) }); err != nil && len(parts) > 1 && worthTryingApart(err) {
		for _, r := range parts {
			r.err = insist(w.life, harmless, func() error { return w.commit([]*request{r}) })
		}
	} else {
		for _, r := range parts {
			r.err = err
		}
	}
	for _, r := range parts {
		close(r.done)
	}
	for _, r := range batch {
		if r.run != nil {
			r.err = insist(w.life, harmless, func() error { return w.transact(r) })
			close(r.done)
		}
	}
}

// worthTryingApart reports whether one of several requests can be at fault.
func worthTryingApart(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && !harmless(err)
}

// commit sends parts in one round trip, which is one transaction.
func (w *writer) commit(requests []*request) error {
	if len(requests) == 0 {
		return nil
	}
	parts, durable := merge(requests)
	n := &news{}
	claims := claimsOf(parts)
	return w.link.use(context.Background(), func(ctx context.Context, conn *pgx.Conn) error {
		s := w.store.own(ctx, conn)
		for _, c := range claims {
			if err := c.look(s); err != nil {
				return err
			}
		}
		if err := w.store.send(ctx, conn, parts, durable); err != nil {
			return err
		}
		for _, p := range parts {
			p.committed(n)
		}
		w.store.tell(n)
		for _, c := range claims {
			c.err = again(s, conn, c)
		}
		return nil
	})
}

func claimsOf(parts []part) (claims []*claiming) {
	for _, p := range parts {
		if c, ok := p.(*claiming); ok {
			claims = append(claims, c)
		}
	}
	return claims
}

// again lets a claim that found nothing look at every line and, if there is
// something, try once more.
func again(s *session, conn *pgx.Conn, c *claiming) error {
	if len(c.jobs) > 0 {
		return nil
	}
	found, err := c.lookAgain(s)
	if err != nil || !found {
		return err
	}
	if err := s.store.send(s.ctx, conn, []part{c}, false); err != nil {
		return err
	}
	c.committed(nil)
	return nil
}

// merge makes one part of those that can be one statement. Claims come last, so
// that they see what the others have made ready.
func merge(requests []*request) (parts []part, durable bool) {
	var entries []*enqueuing
	var claims []part
	for _, r := range requests {
		durable = durable || r.durable
		switch p := r.part.(type) {
		case *enqueuing:
			entries, durable = append(entries, p), true
		case *claiming:
			claims = append(claims, p)
		default:
			parts = append(parts, p)
		}
	}
	switch len(entries) {
	case 0:
	case 1:
		parts = append(parts, entries[0])
	default:
		parts = append(parts, join(entries))
	}
	return append(parts, claims...), durable
}

// send is one round trip. Without an explicit transaction the server makes one of
// all statements up to the end of the batch.
func (s *Store) send(ctx context.Context, conn *pgx.Conn, parts []part, durable bool) error {
	b := &pgx.Batch{}
	settings := s.settings(durable)
	if settings != "" {
		b.Queue("SELECT " + settings)
	}
	asked := parts[:0:0]
	for _, p := range parts {
		before := b.Len()
		p.queue(b)
		if b.Len() > before {
			asked = append(asked, p)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	answers := conn.SendBatch(ctx, b)
	err := readAll(answers, asked, settings != "")
	if closed := answers.Close(); err == nil {
		err = closed
	}
	return err
}

func readAll(answers pgx.BatchResults, parts []part, settings bool) error {
	if settings {
		if _, err := answers.Exec(); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if err := p.read(answers); err != nil {
			return err
		}
	}
	return nil
}

// transact runs a request with several statements.
func (w *writer) transact(r *request) error {
	err := w.link.use(context.Background(), func(ctx context.Context, conn *pgx.Conn) error {
		if r.single {
			return r.run(w.store.own(ctx, conn))
		}
		return w.store.inOwnTx(ctx, conn, r.durable, r.run)
	})
	if err == nil && r.told != nil {
		n := &news{}
		r.told(n)
		w.store.tell(n)
	}
	return err
}

// close stops the writer after the batch at hand; later requests get ErrClosed.
func (w *writer) close() {
	w.stop()
	<-w.stopped
	w.link.close()
}
