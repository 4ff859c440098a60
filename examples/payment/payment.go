// Package payment charges a customer, waits for the goods to arrive, and writes: three
// steps, none of which a retry or a crash does again.
package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later"
)

// OrderArgs are the arguments of a FulfilOrderJob.
type OrderArgs struct {
	Order int64  `json:"order" validate:"required"`
	Email string `json:"email" validate:"required,email"`
	Cents int64  `json:"cents" validate:"min=1"`
}

// FulfilOrder is the definition.
var FulfilOrder = later.Define[OrderArgs]("FulfilOrderJob",
	later.MaxRetries(5),
	later.Exponential(time.Second, time.Hour))

// Receipt is what the payment provider answers.
type Receipt struct {
	Number string `json:"number"`
}

// Shop is what the job needs of the world.
type Shop struct {
	// Charge takes the money. The key is the same whenever the same charge is tried
	// again, so that the provider takes it once.
	Charge func(ctx context.Context, key string, cents int64) (Receipt, error)
	Mail   func(ctx context.Context, to, text string) error
	Wait   time.Duration // before the customer is asked for an opinion
}

// Fulfil performs the job. Whenever it is performed again, it passes over what is done.
func (s *Shop) Fulfil(ctx context.Context, order OrderArgs) error {
	receipt, err := later.Step(ctx, "charge", func(ctx context.Context) (Receipt, error) {
		return s.Charge(ctx, later.Running(ctx).IdempotencyKey()+"/charge", order.Cents)
	})
	if err != nil {
		return err
	}
	err = later.Do(ctx, "mail", func(ctx context.Context) error {
		return s.Mail(ctx, order.Email, fmt.Sprintf("Thank you. Your receipt is %s.", receipt.Number))
	})
	if err != nil {
		return err
	}
	if err := later.Sleep(ctx, "delivery", s.Wait); err != nil {
		return err
	}
	return s.Mail(ctx, order.Email, "Are you content?")
}
