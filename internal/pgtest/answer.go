package pgtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// message is one message of a server in PostgreSQL's protocol 3: a byte for its
// kind, four for the length of the rest, themselves included, and its body. See
// https://www.postgresql.org/docs/current/protocol-message-formats.html.
type message []byte

// The kinds that matter here.
const (
	commandComplete = 'C'
	errorResponse   = 'E'
	readyForQuery   = 'Z'
)

// Kinds that must not be held: a server sends the first three at any time, and
// after the last three it waits for the client.
var notHeld = []byte("ANS" + "GHW")

// harmless are the first words of the tags of commands that commit nothing.
var harmless = []string{
	"BEGIN", "START", "ROLLBACK", "SET", "RESET", "SHOW", "LISTEN", "UNLISTEN", "DISCARD", "DEALLOCATE",
}

func readMessage(r io.Reader) (message, error) {
	header := make([]byte, 5)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(header[1:])
	if length < 4 || length > 1<<30 {
		return nil, fmt.Errorf("a message of kind %q has the length %d", header[0], length)
	}
	m := slices.Grow(header, int(length-4))[:length+1]
	_, err := io.ReadFull(r, m[5:])
	return m, err
}

// answer is what the server has answered since it was last ready for a query.
type answer struct {
	held      []byte // not yet passed to the client
	completed bool   // a command that may commit was completed
	failed    bool
	status    byte // 0 until the answer is complete; then I: no transaction is open
}

// add takes the next message, and returns what the client may have now. With hold
// it gets nothing before the answer is complete.
func (a *answer) add(m message, hold bool) (passed []byte) {
	if a.status != 0 {
		*a = answer{}
	}
	switch m[0] {
	case commandComplete:
		a.completed = a.completed || !m.isHarmless()
	case errorResponse:
		a.failed = true
	case readyForQuery:
		a.status = m[5]
	}
	a.held = append(a.held, m...)
	if hold && a.status == 0 && !slices.Contains(notHeld, m[0]) {
		return nil
	}
	passed, a.held = a.held, nil
	return passed
}

// committed tells whether the answer is complete and says that the server has
// committed.
func (a *answer) committed() bool { return a.status == 'I' && a.completed && !a.failed }

// isHarmless is for the kind commandComplete, whose body is a text like "INSERT 0 1".
func (m message) isHarmless() bool {
	word, _, _ := bytes.Cut(bytes.TrimRight(m[5:], "\x00"), []byte(" "))
	return slices.Contains(harmless, string(word))
}
