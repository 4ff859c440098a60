package local

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

// Mailbox is a mail server on this host that takes every mail and delivers none.
type Mailbox struct {
	Port int

	server *smtp.Server
	refuse func(to string) error

	mu    sync.Mutex
	mails []Mail // the newest, oldest first
	count int
}

// Mail is one that has come in.
type Mail struct {
	To, Subject, Body string
	At                time.Time
}

// A Mailbox keeps so many mails, and so much of each.
const (
	keptMails = 200
	keptBody  = 16 << 10
)

// NewMailbox listens on a port, or on a free one if somebody has that; 0: any. refuse
// may return an error for a recipient, such as an smtp.SMTPError; nil: all are welcome.
func NewMailbox(port int, refuse func(to string) error) (*Mailbox, error) {
	listener, err := listen(port)
	if err != nil {
		return nil, fmt.Errorf("start the mail server: %w", err)
	}
	m := &Mailbox{Port: listener.Addr().(*net.TCPAddr).Port, refuse: refuse}
	m.server = smtp.NewServer(m)
	m.server.Domain = "localhost"
	m.server.ErrorLog = quiet{}
	go m.server.Serve(listener) // until Close
	return m, nil
}

// Close ends the server. It can be called once.
func (m *Mailbox) Close() error {
	if err := m.server.Close(); !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

// Taken is how many mails there were, and the newest of them.
func (m *Mailbox) Taken() (count int, mails []Mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count, slices.Clone(m.mails)
}

// NewSession begins a conversation with a client.
func (m *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &conversation{mailbox: m}, nil
}

// quiet drops what clients that break off would fill the screen with.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type conversation struct {
	mailbox *Mailbox
	to      []string
}

func (c *conversation) Mail(string, *smtp.MailOptions) error { return nil }
func (c *conversation) Reset()                               { c.to = nil }
func (c *conversation) Logout() error                        { return nil }

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	if c.mailbox.refuse != nil {
		if err := c.mailbox.refuse(to); err != nil {
			return err
		}
	}
	c.to = append(c.to, to)
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
	taken := Mail{
		To: strings.Join(c.to, ", "), Subject: decoded(message.Header.Get("Subject")),
		Body: readable(body, message.Header.Get("Content-Transfer-Encoding")), At: time.Now(),
	}
	m := c.mailbox
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	m.mails = append(m.mails, taken)
	if len(m.mails) > keptMails {
		m.mails = m.mails[1:]
	}
	return nil
}
