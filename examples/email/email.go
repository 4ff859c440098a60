// Package email sends mail by jobs, over SMTP. A server that is busy (a 4xx
// reply) is tried again; one that refuses the mail for good (5xx) is not.
package email

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/laterjobs/later"
)

// Args are the arguments of an EmailJob.
type Args struct {
	To      string `json:"to" validate:"required,email"`
	Subject string `json:"subject" validate:"required,max=200"`
	Body    string `json:"body" validate:"required"`
}

// WelcomeArgs are the arguments of a WelcomeEmailJob.
type WelcomeArgs struct {
	Name  string `json:"name" validate:"required"`
	Email string `json:"email" validate:"required,email"`
}

// The definitions: whoever sends mail imports them, and needs no mail server.
var (
	Email = later.Define[Args]("EmailJob",
		later.Description("Sends one mail"),
		later.Queue("mailers"),
		later.MaxRetries(8),
		later.Exponential(time.Second, time.Hour),
		later.Timeout(30*time.Second))

	Welcome = later.Define[WelcomeArgs]("WelcomeEmailJob",
		later.Description("Greets a new user"),
		later.Queue("mailers"),
		later.Exponential(time.Second, time.Hour),
		later.Timeout(30*time.Second))
)

// Mailer sends mail through one SMTP server, in plain text: it is an example.
type Mailer struct {
	Host string
	Port int
	From string
}

// Handlers are the handlers of both jobs.
func (m Mailer) Handlers() []later.Handler {
	return []later.Handler{Email.Do(m.send), Welcome.Do(m.welcome)}
}

func (m Mailer) welcome(ctx context.Context, args WelcomeArgs) error {
	return m.send(ctx, Args{
		To:      args.Email,
		Subject: "Welcome, " + args.Name,
		Body:    fmt.Sprintf("Hello %s,\n\nit is good to have you here.\n", args.Name),
	})
}

func (m Mailer) send(ctx context.Context, args Args) error {
	message := mail.NewMsg()
	if err := errors.Join(message.From(m.From), message.To(args.To)); err != nil {
		return later.Discard(err) // no retry makes an address valid
	}
	message.Subject(args.Subject)
	message.SetBodyString(mail.TypeTextPlain, args.Body)
	client, err := mail.NewClient(m.Host, mail.WithPort(m.Port), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("localhost"))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return verdict(err)
	}
	later.Running(ctx).Logger.Info("mail sent", "to", args.To)
	return nil
}

// verdict fails the job at once if the server has refused the mail for good.
func verdict(err error) error {
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 {
		return later.Discard(err)
	}
	return err
}
