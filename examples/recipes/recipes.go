// Package recipes has what docs/recipes.md shows: small answers to what programs with
// jobs need most often.
package recipes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// App is the program that the recipes are for.
type App struct {
	Store *sqlite.Store
	Queue *later.JobQueue
	ERP   string // address of somebody else's server
}

// Handlers are the handlers of its jobs.
func (a *App) Handlers() []later.Handler {
	return []later.Handler{Sum.Do(sum), Sync.Do(a.sync), ImportPiece.Do(a.importPiece), ImportDone.Do(a.importDone)}
}

// SumArgs are the arguments of a SumJob.
type SumArgs struct {
	Cents []int `json:"cents" validate:"required"`
}

// Sum has a result, which is stored as JSON and kept with the job.
var Sum = later.DefineResult[SumArgs, int]("SumJob")

func sum(_ context.Context, args SumArgs) (total int, err error) {
	for _, cents := range args.Cents {
		total += cents
	}
	return total, nil
}

// Total waits for the result, whichever process performs the job, until ctx ends.
func (a *App) Total(ctx context.Context, cents ...int) (int, error) {
	job, err := Sum.PerformLater(ctx, a.Queue, SumArgs{Cents: cents})
	if err != nil {
		return 0, err
	}
	return Sum.Await(ctx, a.Queue, job.ID)
}

// SyncArgs are the arguments of a SyncJob.
type SyncArgs struct {
	Customer int64 `json:"customer" validate:"required"`
}

// JobTargetID makes the customer the job's target: what it works on.
func (a SyncArgs) JobTargetID() string { return fmt.Sprintf("customer/%d", a.Customer) }

// Sync tells the ERP about a customer: one waits for each customer, however often it is asked for.
var Sync = later.Define[SyncArgs]("SyncJob", later.Queue("erp"), later.UniqueArgs(later.WhileWaiting))

func (a *App) sync(ctx context.Context, args SyncArgs) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.ERP+"/customers/"+strconv.FormatInt(args.Customer, 10), nil)
	if err != nil {
		return later.Discard(err) // the address is wrong: no retry mends that
	}
	request.Header.Set("Idempotency-Key", later.Running(ctx).IdempotencyKey())
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err // retried
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // 0 if it is no number
		return later.Postpone(max(time.Duration(seconds)*time.Second, time.Minute), "the ERP has too many requests")
	case answer.StatusCode >= 500:
		return fmt.Errorf("the ERP says %s", answer.Status) // retried
	case answer.StatusCode >= 400:
		return later.Discard(fmt.Errorf("the ERP refuses: %s", answer.Status)) // failed at once
	}
	return nil
}

// Forget cancels whatever waits or runs for a customer.
func (a *App) Forget(ctx context.Context, customer int64) (int, error) {
	return a.Queue.CancelAll(ctx, later.Filter{Target: SyncArgs{customer}.JobTargetID()}, "the customer has left")
}

// PieceArgs are the arguments of an ImportPieceJob.
type PieceArgs struct {
	Import int64    `json:"import" validate:"required"`
	Rows   []string `json:"rows" validate:"required"`
}

// DoneArgs are the arguments of an ImportDoneJob.
type DoneArgs struct {
	Import int64 `json:"import" validate:"required"`
}

// An import is split into pieces; the last of them that is done enqueues what comes after.
var (
	ImportPiece = later.Define[PieceArgs]("ImportPieceJob")
	ImportDone  = later.Define[DoneArgs]("ImportDoneJob")
)

// Import stores an import and its pieces, all of it or nothing.
func (a *App) Import(ctx context.Context, id int64, pieces [][]string) error {
	return a.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO imports (id, pieces_left) VALUES (?, ?)", id, len(pieces))
		if err != nil {
			return err
		}
		calls := make([]later.Call, len(pieces))
		for i, rows := range pieces {
			calls[i] = ImportPiece.With(PieceArgs{Import: id, Rows: rows})
		}
		_, err = a.Queue.Tx(a.Store.Tx(tx)).EnqueueAll(ctx, calls...) // one statement
		return err
	})
}

// importPiece: the rows, the count and the job's completion are one transaction. So each
// piece counts once, however often it is performed, and one of them is the last.
func (a *App) importPiece(ctx context.Context, args PieceArgs) error {
	return a.within(ctx, func(tx *sql.Tx) error {
		for _, row := range args.Rows {
			if _, err := tx.ExecContext(ctx, "INSERT INTO rows (import, text) VALUES (?, ?)", args.Import, row); err != nil {
				return err
			}
		}
		var left int
		err := tx.QueryRowContext(ctx, "UPDATE imports SET pieces_left = pieces_left - 1 WHERE id = ? RETURNING pieces_left", args.Import).Scan(&left)
		if err != nil {
			return err
		}
		if left == 0 {
			if _, err := ImportDone.PerformLater(ctx, a.Queue.Tx(a.Store.Tx(tx)), DoneArgs{Import: args.Import}); err != nil {
				return err
			}
		}
		return later.CompleteTx(ctx, a.Store.Tx(tx))
	})
}

func (a *App) importDone(ctx context.Context, args DoneArgs) error {
	_, err := a.Store.DB().ExecContext(ctx, "UPDATE imports SET done = done + 1 WHERE id = ?", args.Import)
	return err
}

// within commits what fn does, or nothing if it fails.
func (a *App) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := a.Store.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Door lets programs in other languages enqueue: POST /jobs/SyncJob with the arguments as
// JSON. They are checked as those of a Go program are. Put your sign-in before it.
func (a *App) Door() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs/{type}", func(w http.ResponseWriter, r *http.Request) {
		args, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		job, err := a.Queue.Enqueue(r.Context(), r.PathValue("type"), args)
		switch {
		case errors.Is(err, later.ErrInvalidArgs), errors.Is(err, later.ErrUnknownType):
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		case err != nil:
			http.Error(w, "the job was not stored", http.StatusServiceUnavailable)
		default:
			json.NewEncoder(w).Encode(map[string]int64{"id": job.ID})
		}
	})
	return mux
}
