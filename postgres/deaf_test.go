package postgres_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
)

// TestMessagesDoNotArrive: a network that keeps every message back is noticed and
// told; jobs are found by polling meanwhile.
func TestMessagesDoNotArrive(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	schema := inOwnSchema(t, direct)
	var said safeBuffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	worker := newQueue(t, open(t, deafened(t, direct), schema, postgres.Logger(log)), quickly,
		numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, worker)
	producer := newQueue(t, open(t, direct, schema), later.Config{})
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(said.String(), "messages of the database do not arrive"); {
		wait(t, worker, enqueue(t, producer, 1).ID)
		if time.Now().After(deadline) {
			t.Fatal("nobody noticed")
		}
	}
	wait(t, worker, enqueue(t, producer, 2).ID)
	if n := strings.Count(said.String(), "\n"); n != 1 {
		t.Errorf("%d lines: %s", n, said.String())
	}
}

// deafened is the URL of a server through a network that keeps back notifications.
func deafened(t *testing.T, server string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	target := pgtest.Address(t, server)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			go deafen(client, target)
		}
	}()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	return u.String()
}

func deafen(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		io.Copy(server, client)
	}()
	answers := bufio.NewReader(server)
	for {
		header := make([]byte, 5) // a kind, and the length of what follows, itself included
		if _, err := io.ReadFull(answers, header); err != nil {
			return
		}
		message := append(header, make([]byte, binary.BigEndian.Uint32(header[1:])-4)...)
		if _, err := io.ReadFull(answers, message[5:]); err != nil {
			return
		}
		const notification = 'A'
		if message[0] == notification {
			continue
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}
