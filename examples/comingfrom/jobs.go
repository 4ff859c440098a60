// Package comingfrom has the samples of the pages in docs for those who come from
// another job system.
package comingfrom

import (
	"context"
	"errors"
	"time"

	"github.com/laterjobs/later"
)

// What can go wrong.
var (
	ErrNoUser = errors.New("there is no such user")
	ErrBusy   = errors.New("the other side is busy")
)

// WelcomeArgs are the arguments of a WelcomeEmailJob.
type WelcomeArgs struct {
	UserID int64 `json:"user_id" validate:"required"`
}

// Welcome is the definition: its name is what is stored.
var Welcome = later.Define[WelcomeArgs]("WelcomeEmailJob",
	later.Queue("mailers"),
	later.RetryOn(ErrBusy, later.MaxRetries(5), later.Exponential(3*time.Second, time.Hour)),
	later.DiscardOn(ErrNoUser),
	later.Timeout(30*time.Second))

// Mailer has what the handler needs: a database, a connection, here a map.
type Mailer struct {
	Addresses map[int64]string
	Sent      []string
}

// Welcome is the handler.
func (m *Mailer) Welcome(ctx context.Context, args WelcomeArgs) error {
	address, found := m.Addresses[args.UserID]
	if !found {
		return ErrNoUser // discarded: the job fails at once
	}
	m.Sent = append(m.Sent, address)
	later.Running(ctx).Logger.Info("welcomed", "user", args.UserID)
	return nil
}

// NewQueue binds the handlers and says what recurs.
func NewQueue(queue *later.JobQueue, m *Mailer) error {
	queue.Register(Welcome.Do(m.Welcome), Sync.Do(sync), Import.Do(load), Report.Do(report))
	return queue.Schedule("nightly", later.Cron("0 2 * * *", "Europe/Berlin"), Report.With(ReportArgs{Days: 1}), later.SkipIfRunning)
}

// Enqueue shows the ways to enqueue.
func Enqueue(ctx context.Context, queue *later.JobQueue) error {
	args := WelcomeArgs{UserID: 42}
	if _, err := Welcome.PerformLater(ctx, queue, args); err != nil {
		return err
	}
	if _, err := Welcome.PerformIn(ctx, queue, time.Hour, args, later.Queue("low"), later.Priority(10)); err != nil {
		return err
	}
	if _, err := queue.EnqueueAll(ctx, Welcome.With(args), Welcome.With(WelcomeArgs{UserID: 43})); err != nil {
		return err
	}
	return Welcome.PerformNow(ctx, queue, args) // here and now, by the same rules, without a row
}

// SyncArgs are the arguments of a SyncJob.
type SyncArgs struct {
	Account string `json:"account" validate:"required"`
}

// Sync is unique while it waits: one may run and one wait for each account.
var Sync = later.Define[SyncArgs]("SyncJob",
	later.Unique(func(a SyncArgs) string { return a.Account }, later.WhileWaiting))

func sync(ctx context.Context, args SyncArgs) error {
	if args.Account == "locked" {
		return later.Postpone(10*time.Minute, "the account is locked") // no failure, no attempt used up
	}
	return nil
}

// ImportArgs are the arguments of an ImportJob.
type ImportArgs struct {
	Rows []string `json:"rows"`
}

// Import goes on where it was interrupted.
var Import = later.DefineResult[ImportArgs, int]("ImportJob")

func load(ctx context.Context, args ImportArgs) (int, error) {
	cursor, err := later.Cursor(ctx, "rows", 0)
	if err != nil {
		return 0, err
	}
	for next := cursor.Get(); next < len(args.Rows); next++ {
		if err := cursor.Set(next + 1); err != nil { // saved; ErrStopping when the process is to end
			return 0, err
		}
		later.Running(ctx).Progress(int64(next+1), int64(len(args.Rows)), "rows")
	}
	return len(args.Rows), nil
}

// ReportArgs are the arguments of a ReportJob.
type ReportArgs struct {
	Days int `json:"days" validate:"min=1"`
}

// Report is what the schedule enqueues.
var Report = later.Define[ReportArgs]("ReportJob")

func report(ctx context.Context, args ReportArgs) error {
	later.Running(ctx).Logger.Info("reported", "days", args.Days)
	return nil
}
