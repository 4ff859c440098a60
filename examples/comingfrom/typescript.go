package comingfrom

import (
	"context"
	"encoding/json"
	"time"

	"github.com/laterjobs/later"
)

// WelcomeEmail says what the decorator says.
var WelcomeEmail = later.Define[WelcomeArgs]("WelcomeEmailJob",
	later.Queue("mailers"),
	later.MaxRetries(5),
	later.Exponential(3*time.Second, time.Hour),
	later.Timeout(30*time.Second))

// Perform is the method perform of the class.
func (m *Mailer) Perform(ctx context.Context, args WelcomeArgs) error {
	if ctx.Err() != nil { // the abortSignal: timed out, cancelled, or the process stops
		return context.Cause(ctx)
	}
	m.Sent = append(m.Sent, m.Addresses[args.UserID])
	return nil
}

// EnqueueAsThere shows each way to enqueue in the order of the page.
func EnqueueAsThere(ctx context.Context, queue *later.JobQueue, tomorrow time.Time) error {
	args := WelcomeArgs{UserID: 42}
	if _, err := WelcomeEmail.PerformLater(ctx, queue, args); err != nil {
		return err
	}
	if _, err := WelcomeEmail.PerformAt(ctx, queue, tomorrow, args, later.Priority(50), later.User("42"), later.Target("user/42")); err != nil {
		return err
	}
	if err := WelcomeEmail.PerformNow(ctx, queue, args); err != nil {
		return err
	}
	if _, err := queue.Enqueue(ctx, "WelcomeEmailJob", json.RawMessage(`{"user_id": 42}`)); err != nil {
		return err
	}
	_, err := queue.Enqueue(ctx, "WelcomeEmailJob", json.RawMessage(`{"user_id": 42}`), later.At(tomorrow))
	return err
}
