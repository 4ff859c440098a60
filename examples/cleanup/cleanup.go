// Package cleanup removes old files every night at 02:00. Each night's job stores
// the next one.
package cleanup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/laterjobs/later"
)

// Args are the arguments of a DailyCleanupJob.
type Args struct {
	Dir       string `json:"dir" validate:"required"`
	OlderThan int    `json:"older_than_days" validate:"min=1"`
}

// Daily is the definition.
var Daily = later.Define[Args]("DailyCleanupJob",
	later.Description("Removes old files every night at 02:00"),
	later.Queue("maintenance"))

// Cleaner performs the job and stores the next one.
type Cleaner struct {
	Queue *later.JobQueue
	Now   func() time.Time // time.Now, if nil
}

// Handler is the handler of the job.
func (c Cleaner) Handler() later.Handler { return Daily.Do(c.clean) }

// Begin stores the first job. Call it once, not at every start.
func (c Cleaner) Begin(ctx context.Context, args Args) (later.Job, error) {
	return Daily.PerformAt(ctx, c.Queue, Next(c.now()), args, later.Tags("nightly"))
}

// clean stores the next night's job before it does its own work, unless an earlier
// attempt has done so: a failing night neither ends the schedule nor doubles it.
func (c Cleaner) clean(ctx context.Context, args Args) error {
	next, err := c.Queue.List(ctx, later.Filter{Type: Daily.Name(), Status: []later.JobStatus{later.StatusScheduled}})
	if err != nil {
		return err
	}
	if len(next) == 0 {
		if _, err := c.Begin(ctx, args); err != nil {
			return fmt.Errorf("store the next clean-up: %w", err)
		}
	}
	job := later.Running(ctx)
	files, err := os.ReadDir(args.Dir)
	if err != nil {
		return err
	}
	oldest := c.now().AddDate(0, 0, -args.OlderThan)
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := file.Info()
		if err != nil || !info.Mode().IsRegular() || info.ModTime().After(oldest) {
			continue
		}
		if err := os.Remove(filepath.Join(args.Dir, file.Name())); err != nil {
			return err
		}
		job.Logger.Info("removed", "file", file.Name())
		job.Progress(int64(i+1), int64(len(files)), file.Name())
	}
	return nil
}

func (c Cleaner) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// Next is the next 02:00 after now, where now's clock is. In the night in which
// the clock skips 02:00 it is the instant that time.Date takes for it.
func Next(now time.Time) time.Time {
	next := time.Date(now.Year(), now.Month(), now.Day(), 2, 0, 0, 0, now.Location())
	if !next.After(now) {
		next = time.Date(now.Year(), now.Month(), now.Day()+1, 2, 0, 0, 0, now.Location())
	}
	return next
}
