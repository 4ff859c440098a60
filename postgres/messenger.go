package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

// messenger sends messages to other processes and receives theirs, over one
// connection: LISTEN and NOTIFY. It begins with the first thing that there is to
// send or to wait for.
type messenger struct {
	store  *Store
	sender string // tells one's own messages from those of others
	once   sync.Once
	stop   context.CancelFunc
	ended  chan struct{}

	mu        sync.Mutex
	outbox    *news
	listening bool               // somebody does
	interrupt context.CancelFunc // ends the waiting for messages
	closed    bool
}

func newMessenger(s *Store) *messenger {
	return &messenger{
		store: s, sender: strconv.FormatUint(rand.Uint64(), 36), outbox: &news{}, interrupt: func() {},
		stop: func() {}, ended: make(chan struct{}),
	}
}

const (
	// messagePause is the least time between two messages of a process. What comes
	// up meanwhile goes with the next one.
	messagePause = 10 * time.Millisecond
	// finishedPause holds for messages that only say that jobs have finished.
	finishedPause = 50 * time.Millisecond
	// pingEvery is how often a process sends itself a message when none has come: a
	// listener that nobody reaches any more looks like one that nobody calls.
	pingEvery = 15 * time.Second
	pingWait  = 5 * time.Second
	// deafPause is how long a connection that messages do not reach is left alone.
	deafPause = 5 * time.Minute
	// maxMessage is a little below what NOTIFY takes.
	maxMessage = 7500
)

// message is the text of a notification.
type message struct {
	From     string          `json:"f"`
	Ping     bool            `json:"p,omitempty"`
	Work     bool            `json:"w,omitempty"`
	Cancels  bool            `json:"c,omitempty"`
	Finished bool            `json:"d,omitempty"`
	Lanes    []announcedLane `json:"l,omitempty"` // empty: look everywhere
}

// announcedLane is [queue, priority, position].
type announcedLane [3]any

// text is the message as it is sent. One that is too long says that there may be
// work anywhere.
func (m message) text() string {
	text, err := json.Marshal(m)
	if err == nil && len(text) > maxMessage {
		m.Lanes = nil
		text, err = json.Marshal(m)
	}
	if err != nil {
		panic("postgres: a message does not encode: " + err.Error()) // it holds texts and numbers
	}
	return string(text)
}

// post gives news to the messenger. It knows when to send what it had: it is interrupted
// only if the news are more pressing. Else each of many thousand calls a second would wake it.
func (m *messenger) post(n *news) {
	m.mu.Lock()
	before := m.outbox.pause()
	if m.outbox.merge(n); m.outbox.pause() < before {
		m.interrupt()
	}
	m.mu.Unlock()
	m.begin()
}

// listen makes the messenger receive until ctx ends.
func (m *messenger) listen(ctx context.Context) {
	m.setListening(true)
	m.begin()
	<-ctx.Done()
	m.setListening(false)
}

func (m *messenger) setListening(listening bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listening = listening
	m.interrupt()
}

func (m *messenger) begin() {
	m.once.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.closed {
			stop()
			close(m.ended)
			return
		}
		m.stop = stop
		go m.run(ctx)
	})
}

// lastWords is how long close tries to send what there is.
const lastWords = time.Second

// close sends what there is: a program that stores a job and ends at once is heard.
func (m *messenger) close() {
	m.mu.Lock()
	m.closed = true
	m.interrupt()
	m.mu.Unlock()
	m.begin() // so that there is an end to wait for
	lastMoment := time.AfterFunc(lastWords, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.stop()
	})
	defer lastMoment.Stop()
	<-m.ended
}

// run keeps a connection going until ctx ends.
func (m *messenger) run(ctx context.Context) {
	defer close(m.ended)
	told := false
	for pause := firstPause; ctx.Err() == nil; {
		t := &talk{messenger: m}
		err := t.run(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, errSaid):
			return
		case errors.Is(err, errDeaf):
			if !told {
				m.store.log.Warn("messages of the database do not arrive; jobs of other processes are found by polling", "trying again every", deafPause)
			}
			told, pause = true, deafPause
		case t.talked:
			pause = firstPause
		default:
			pause = min(2*pause, longestPause)
		}
		m.rest(ctx, pause/2+rand.N(pause/2))
	}
}

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

func (m *messenger) rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

var (
	errDeaf = errors.New("no message arrives")
	errSaid = errors.New("everything is said") // and the messenger is closed
)

// talk is one connection of the messenger. One goroutine has it.
type talk struct {
	*messenger
	conn     *pgx.Conn
	listens  bool      // LISTEN has been sent
	talked   bool      // something has worked
	sentAt   time.Time // the last message
	heardAt  time.Time // the last message of anybody, one's own included
	pingedAt time.Time // zero: no ping is on its way
}

func (t *talk) run(ctx context.Context) (err error) {
	if t.conn, err = t.store.connect(ctx); err != nil {
		return err
	}
	defer func() {
		goodbye, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		t.conn.Close(goodbye)
	}()
	for {
		if err := t.adjust(ctx); err != nil {
			return err
		}
		wait, err := t.send(ctx)
		if err != nil {
			return err
		}
		if err := t.receive(ctx, wait); err != nil {
			return err
		}
	}
}

// adjust begins or ends to listen. After it began, anything may have happened
// before.
func (t *talk) adjust(ctx context.Context) error {
	t.mu.Lock()
	listening := t.listening && !t.store.withoutListen
	t.mu.Unlock()
	if listening == t.listens {
		return nil
	}
	verb := "UNLISTEN "
	if listening {
		verb = "LISTEN "
	}
	if err := t.exec(ctx, verb+pgx.Identifier{t.store.schema}.Sanitize()); err != nil {
		return err
	}
	t.listens = listening
	if listening {
		t.store.lanes.want()
		t.store.listeners.Wake(store.Wake{Work: true, Cancels: true, Finished: true})
		return t.ping(ctx)
	}
	return nil
}

func (t *talk) exec(ctx context.Context, text string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, pingWait)
	defer cancel()
	_, err := t.conn.Exec(ctx, text, args...)
	t.talked = t.talked || err == nil
	return err
}

func (t *talk) ping(ctx context.Context) error {
	t.pingedAt = time.Now()
	return t.notify(ctx, message{From: t.sender, Ping: true})
}

// notify sends without waiting for the disk: a message that a crash of the server
// loses is lost with every listener.
func (t *talk) notify(ctx context.Context, m message) error {
	t.sentAt = time.Now()
	return t.exec(ctx, "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", t.store.schema, m.text())
}

// send sends what there is, unless it is too early, and returns how long to wait
// for messages.
func (t *talk) send(ctx context.Context) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.store.withoutListen {
		t.outbox = &news{}
	}
	if t.closed && t.outbox.empty() {
		return 0, errSaid
	}
	if early := t.due(); early > 0 {
		return early, nil
	}
	outbox := t.outbox
	t.outbox = &news{}
	t.mu.Unlock()
	err := t.notify(ctx, announce(t.sender, outbox))
	t.mu.Lock()
	return 0, err
}

// due is how long what there is to send has to wait. The mutex is held.
func (t *talk) due() time.Duration {
	switch {
	case t.closed:
		return 0
	case t.outbox.empty():
		return pingEvery
	}
	return t.outbox.pause() - time.Since(t.sentAt)
}

// pause is how long after the last message news are sent.
func (n *news) pause() time.Duration {
	switch {
	case n.empty():
		return pingEvery
	case n.wake == store.Wake{Finished: true}:
		return finishedPause
	}
	return messagePause
}

func announce(sender string, n *news) message {
	m := message{From: sender, Work: n.wake.Work, Cancels: n.wake.Cancels, Finished: n.wake.Finished}
	for at, position := range n.lanes {
		m.Lanes = append(m.Lanes, announcedLane{at.queue, at.priority, position})
	}
	return m
}

// receive waits for messages until there is something else to do.
func (t *talk) receive(ctx context.Context, wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	if t.listens && !t.pingedAt.IsZero() {
		wait = min(wait, max(time.Millisecond, pingWait-time.Since(t.pingedAt)))
	}
	waiting, done := t.interruptible(ctx, wait)
	defer done()
	if waiting == nil {
		return nil
	}
	notification, err := t.conn.WaitForNotification(waiting)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		t.hear(notification.Payload)
		return nil
	case waiting.Err() == nil || t.conn.IsClosed():
		return err
	}
	return t.checkHearing(ctx)
}

// interruptible is a context that ends after wait, or when there is something to
// send; nil if there is already.
func (t *talk) interruptible(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait = min(wait, t.due())
	if wait <= 0 || (t.listening && !t.store.withoutListen) != t.listens {
		return nil, func() {}
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	t.interrupt = cancel
	return waiting, cancel
}

// checkHearing sends a ping when nothing has come for long, and gives up on a
// connection on which even that does not arrive.
func (t *talk) checkHearing(ctx context.Context) error {
	switch {
	case !t.listens:
		return nil
	case !t.pingedAt.IsZero() && time.Since(t.pingedAt) >= pingWait:
		if t.heardAt.IsZero() {
			return errDeaf
		}
		return errors.New("a message to oneself did not arrive")
	case t.pingedAt.IsZero() && time.Since(t.heardAt) >= pingEvery:
		return t.ping(ctx)
	}
	return nil
}

// hear takes in a message. One that somebody else wrote by hand says that there
// may be anything.
func (t *talk) hear(text string) {
	t.heardAt = time.Now()
	var m message
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		m = message{Work: true, Cancels: true, Finished: true}
	}
	if m.From == t.sender {
		t.pingedAt = time.Time{}
		return
	}
	n := &news{wake: store.Wake{Work: m.Work, Cancels: m.Cancels, Finished: m.Finished}}
	for _, announced := range m.Lanes {
		queue, ok := announced[0].(string)
		priority, isNumber := announced[1].(float64)
		position, isPosition := announced[2].(float64)
		if ok && isNumber && isPosition {
			n.lineUp(lane{queue, int16(priority)}, int64(position))
		}
	}
	if m.Work && len(n.lanes) == 0 {
		t.store.lanes.want()
	}
	t.store.hear(n)
}
