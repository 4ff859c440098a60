package main

import (
	"io"
	"net"
	"strings"

	"github.com/emersion/go-smtp"
)

// inbox is a real SMTP server in the program itself, so that the example needs none.
type inbox struct {
	Address string
	server  *smtp.Server
}

// openInbox hands each mail that arrives to got.
func openInbox(got func(to, mail string)) (*inbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{got: got}, nil }))
	server.Domain = "localhost"
	go server.Serve(listener) // ends when it is closed
	return &inbox{listener.Addr().String(), server}, nil
}

// Close ends it.
func (i *inbox) Close() { i.server.Close() }

type session struct {
	got func(to, mail string)
	to  []string
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Reset()                               { s.to = nil }
func (s *session) Logout() error                        { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	if err == nil {
		s.got(strings.Join(s.to, ", "), string(mail))
	}
	return err
}
