//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"

	"github.com/laterjobs/later/internal/chaos/history"
)

// keepLedger writes down effects until it is told to stop: each is acknowledged
// when it is on the disk. Effects that come up while the disk works go together.
func (o orders) keepLedger(ctx context.Context, log *history.Writer) error {
	listener, err := net.Listen("unix", o.ledger())
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	l := &ledger{log: log}
	l.wanted = sync.NewCond(&l.mutex)
	go l.sync()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil // told to stop
		}
		go l.serve(conn)
	}
}

type ledger struct {
	log    *history.Writer
	mutex  sync.Mutex
	wanted *sync.Cond
	acks   []chan error // guarded by mutex: who waits for the next sync
}

func (l *ledger) serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e history.Event
		if json.Unmarshal(line, &e) != nil || l.enter(e) != nil {
			return
		}
		if _, err := conn.Write([]byte("k")); err != nil {
			return
		}
	}
}

func (l *ledger) enter(e history.Event) error {
	synced := make(chan error, 1)
	l.mutex.Lock()
	e.At = monotonic()
	err := l.log.Write(e)
	l.acks = append(l.acks, synced)
	l.mutex.Unlock()
	if err != nil {
		return err
	}
	l.wanted.Signal()
	return <-synced
}

func (l *ledger) sync() {
	for {
		l.mutex.Lock()
		for len(l.acks) == 0 {
			l.wanted.Wait()
		}
		acks := l.acks
		l.acks = nil
		l.mutex.Unlock()
		err := l.log.Sync()
		for _, ack := range acks {
			ack <- err
		}
	}
}

// books is a worker's side of the ledger: a few connections, which its handlers
// borrow.
type books struct {
	path string
	idle chan net.Conn
}

func newBooks(path string) *books { return &books{path, make(chan net.Conn, 16)} }

// enter returns when the ledger has the effect.
func (b *books) enter(e history.Event) error {
	conn, err := b.borrow()
	if err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = conn.Write(append(line, '\n'))
	}
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("the ledger: %w", err)
	}
	select {
	case b.idle <- conn:
	default:
		conn.Close()
	}
	return nil
}

func (b *books) borrow() (net.Conn, error) {
	select {
	case conn := <-b.idle:
		return conn, nil
	default:
		return net.Dial("unix", b.path)
	}
}
