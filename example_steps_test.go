package later_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

var errMailServer = errors.New("the mail server is down")

// performed lets a JobQueue perform one job of a definition to its end.
func performed(definition *later.Definition[Args], handler func(context.Context, Args) error) {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(definition.Do(handler))
	ctx := context.Background()
	if err := queue.Start(ctx); err != nil {
		panic(err)
	}
	defer queue.Stop(ctx)
	job, err := definition.PerformLater(ctx, queue, Args{Order: 7})
	if err != nil {
		panic(err)
	}
	job, err = queue.Wait(ctx, job.ID)
	fmt.Println(job.Status, err)
}

var Fulfil = later.Define[Args]("FulfilJob", later.MaxRetries(3), later.Fixed(time.Millisecond))

func charge(order int64) (string, error) {
	fmt.Println("charge order", order)
	return "R-1", nil
}

var mails int

func mail(receipt string) error {
	if mails++; mails == 1 {
		fmt.Println(errMailServer)
		return errMailServer
	}
	fmt.Println("mail receipt", receipt)
	return nil
}

func ExampleStep() {
	performed(Fulfil, func(ctx context.Context, args Args) error {
		receipt, err := later.Step(ctx, "charge", func(ctx context.Context) (string, error) {
			return charge(args.Order)
		})
		if err != nil {
			return err
		}
		return later.Do(ctx, "mail", func(ctx context.Context) error {
			return mail(receipt)
		})
	})
	// Output:
	// charge order 7
	// the mail server is down
	// mail receipt R-1
	// completed <nil>
}

var Import = later.Define[Args]("ImportJob", later.MaxRetries(3), later.Fixed(time.Millisecond))

func ExampleCursor() {
	rows, down := []int64{10, 20, 30, 40}, true
	performed(Import, func(ctx context.Context, _ Args) error {
		cursor, err := later.Cursor(ctx, "rows", 0)
		if err != nil {
			return err
		}
		for next := cursor.Get(); next < len(rows); next++ {
			if down && next == 2 {
				down = false
				return errMailServer
			}
			fmt.Println("row", rows[next])
			if err := cursor.Set(next + 1); err != nil {
				return err
			}
		}
		return nil
	})
	// Output:
	// row 10
	// row 20
	// row 30
	// row 40
	// completed <nil>
}

var Remind = later.Define[Args]("RemindJob")

func ExampleSleep() {
	performed(Remind, func(ctx context.Context, args Args) error {
		err := later.Do(ctx, "ship", func(context.Context) error {
			fmt.Println("ship order", args.Order)
			return nil
		})
		if err != nil {
			return err
		}
		if err := later.Sleep(ctx, "delivery", 20*time.Millisecond); err != nil {
			return err // the slot is free meanwhile
		}
		fmt.Println("are you content?")
		return nil
	})
	// Output:
	// ship order 7
	// are you content?
	// completed <nil>
}

func ExampleStepTx() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	ctx := context.Background()
	if _, err := store.DB().ExecContext(ctx, "CREATE TABLE booking (job INTEGER)"); err != nil {
		panic(err)
	}
	queue := later.New(store, later.Config{})
	queue.Register(Fulfil.Do(func(ctx context.Context, _ Args) error {
		return later.Do(ctx, "book", func(ctx context.Context) error {
			tx, err := store.DB().BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() // does nothing after the commit
			if _, err := tx.ExecContext(ctx, "INSERT INTO booking VALUES (?)", later.Running(ctx).ID); err != nil {
				return err
			}
			if err := later.StepTx(ctx, store.Tx(tx)); err != nil {
				return err
			}
			return tx.Commit()
		})
	}))
	job, err := Fulfil.PerformLater(ctx, queue, Args{Order: 7})
	if err != nil {
		panic(err)
	}
	if _, err := queue.Drain(ctx); err != nil {
		panic(err)
	}
	steps, err := queue.Steps(ctx, job.ID)
	fmt.Println(len(steps), steps[0].Kind, steps[0].Name, err)
	// Output: 1 step book <nil>
}
