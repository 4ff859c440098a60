package demo

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// sink is a mail server on this host that delivers nothing. It answers the first
// mail to busy@ with 451 and every mail to refused@ with 550.
type sink struct {
	server *smtp.Server
	port   int

	mu    sync.Mutex
	mails []letter // the newest, oldest first
	count int
	busy  bool
}

// letter is a mail that has come in.
type letter struct {
	To, Subject, Body string
	At                time.Time
}

// The sink keeps so many mails, and so much of each.
const (
	keptMails = 200
	keptBody  = 16 << 10
)

func startSink() (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the mail server: %w", err)
	}
	s := &sink{port: listener.Addr().(*net.TCPAddr).Port}
	s.server = smtp.NewServer(s)
	s.server.Domain = "localhost"
	s.server.ErrorLog = quiet{}
	go s.server.Serve(listener) // until close
	return s, nil
}

func (s *sink) close() error {
	if err := s.server.Close(); !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

// taken is how many mails there were, and the newest of them.
func (s *sink) taken() (count int, mails []letter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, slices.Clone(s.mails)
}

// NewSession begins a conversation with a client.
func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return &conversation{sink: s}, nil }

// quiet drops what clients that break off would fill the screen with.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type conversation struct {
	sink *sink
	to   string
}

func (c *conversation) Mail(string, *smtp.MailOptions) error { return nil }
func (c *conversation) Reset()                               {}
func (c *conversation) Logout() error                        { return nil }

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = to
	c.sink.mu.Lock()
	defer c.sink.mu.Unlock()
	switch {
	case strings.HasPrefix(to, "refused@"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case strings.HasPrefix(to, "busy@") && !c.sink.busy:
		c.sink.busy = true
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "busy, come back later"}
	}
	return nil
}

func (c *conversation) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(message.Body, keptBody))
	if err == nil {
		_, err = io.Copy(io.Discard, message.Body)
	}
	if err != nil {
		return err
	}
	c.sink.mu.Lock()
	defer c.sink.mu.Unlock()
	c.sink.count++
	c.sink.mails = append(c.sink.mails, letter{c.to, decoded(message.Header.Get("Subject")), readable(body, message.Header.Get("Content-Transfer-Encoding")), time.Now()})
	if len(c.sink.mails) > keptMails {
		c.sink.mails = c.sink.mails[1:]
	}
	return nil
}
