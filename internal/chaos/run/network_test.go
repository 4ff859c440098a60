//go:build linux

package main

import (
	"bufio"
	"net"
	"testing"
	"time"
)

// TestNetwork: a cable cut in one direction lets what goes the other way arrive, and
// what was lost arrives when it is whole again.
func TestNetwork(t *testing.T) {
	n, err := newNetwork(60)
	if err != nil {
		t.Skipf("no network of its own: %v", err)
	}
	defer n.close()
	listener, err := net.Listen("tcp", net.JoinHostPort(n.ours, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var there net.Conn
	if err := onThreadOfItsOwn(func() (err error) {
		if err = n.enter(); err == nil {
			there, err = net.DialTimeout("tcp", listener.Addr().String(), 10*time.Second)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	here, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	requests, answers := linesOf(here), linesOf(there)
	say(t, there, "hello")
	hears(t, requests, "hello")
	for _, cut := range []struct {
		drop               func(bool) error
		deaf, well         net.Conn
		atTheDeaf, atOther <-chan string
	}{
		{n.dropRequests, here, there, requests, answers},
		{n.dropAnswers, there, here, answers, requests},
	} {
		if err := cut.drop(true); err != nil {
			t.Fatal(err)
		}
		say(t, cut.well, "lost")
		say(t, cut.deaf, "arrives")
		hears(t, cut.atOther, "arrives")
		select {
		case line := <-cut.atTheDeaf:
			t.Errorf("%q came through", line)
		default:
		}
		if err := cut.drop(false); err != nil {
			t.Fatal(err)
		}
		hears(t, cut.atTheDeaf, "lost")
	}
}

func linesOf(c net.Conn) <-chan string {
	lines := make(chan string, 10)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(c); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

func say(t *testing.T, c net.Conn, line string) {
	t.Helper()
	if _, err := c.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
}

func hears(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	select {
	case line, open := <-lines:
		if line != want || !open {
			t.Fatalf("heard %q, want %q", line, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%q has not arrived", want)
	}
}
