// Package batch works through many records in one job: 1,000 at a step, with
// progress, and an end between two steps when somebody cancels it.
package batch

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later"
)

// Step is how many records are processed between two looks at the context.
const Step = 1000

// Args are the arguments of a BatchProcessJob.
type Args struct {
	Table   string `json:"table" validate:"required"`
	Records int    `json:"records" validate:"min=1,max=10000000"`
}

// Result says what was done.
type Result struct {
	Processed int `json:"processed"`
	Steps     int `json:"steps"`
}

// Process is the definition. The table is the job's target, so that "cancel
// everything for this table" is one call.
var Process = later.DefineResult[Args, Result]("BatchProcessJob",
	later.Description("Processes the records of a table"),
	later.Queue("batches"),
	later.Timeout(time.Hour))

// JobTargetID makes the table the job's target.
func (a Args) JobTargetID() string { return a.Table }

// Source processes records [from, to) of a table.
type Source func(ctx context.Context, table string, from, to int) error

// Handler is the handler of the job.
func Handler(process Source) later.Handler {
	return Process.Do(func(ctx context.Context, args Args) (Result, error) {
		var done Result
		job := later.Running(ctx)
		for from := 0; from < args.Records; from += Step {
			if ctx.Err() != nil {
				return done, fmt.Errorf("stopped after %d records: %w", done.Processed, context.Cause(ctx))
			}
			to := min(from+Step, args.Records)
			if err := process(ctx, args.Table, from, to); err != nil {
				return done, fmt.Errorf("records %d to %d: %w", from, to, err)
			}
			done.Processed, done.Steps = to, done.Steps+1
			job.Progress(int64(to), int64(args.Records), args.Table)
		}
		return done, nil
	})
}
