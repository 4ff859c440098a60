package latercli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) tailCommand() *cobra.Command {
	var selected selection
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print what happens to jobs, in all processes, as it happens",
		Long: "Prints what happens to jobs, whichever process does it, until you press ctrl-C. It looks as soon as\n" +
			"something has changed, at most five times a second: of a job that went through several statuses between two\n" +
			"looks it shows the last. It follows the 5000 newest jobs that are not finished.",
		Example: "  later tail --where 'type:EmailJob'\n  later tail -o jsonl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := selected.get(time.Now().In(a.zone))
			if err != nil {
				return err
			}
			if len(f.IDs) > 0 || len(f.Status) > 0 {
				return usagef("tail follows jobs through all statuses: leave out status and id, and see show and wait")
			}
			if a.output == "json" || a.output == "csv" {
				return usagef("-o %s is one document, which tail never has: choose jsonl", a.output)
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return a.withQueue(ctx, func(ctx context.Context, q *later.JobQueue) error {
				t := tail{app: a, queue: q, filter: f, known: map[int64]later.Job{}}
				return t.follow(ctx)
			})
		},
	}
	a.selectionFlags(&selected, cmd)
	return cmd
}

const (
	tailEvery  = 200 * time.Millisecond // how often it asks whether anything has changed
	tailFollow = 5000                   // jobs at most
	tailShare  = 5                      // looks take one part in so many of the time, at most

	tailTrouble = time.Second // the pause after a look that failed
)

// tail remembers jobs as they were last seen, until they are finished.
type tail struct {
	*app
	queue  *later.JobQueue
	filter later.Filter
	newest int64 // the last id that was seen
	known  map[int64]later.Job
}

func (t *tail) follow(ctx context.Context) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	revision := ""
	pause := tailEvery
	for {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ctx.Err()
			}
			return nil
		case <-time.After(pause):
		}
		began := time.Now()
		now, err := t.queue.Revision(ctx)
		if err == nil && now == revision {
			pause = tailEvery
			continue
		}
		if err == nil {
			err = t.look(ctx)
		}
		pause = max(tailEvery, (tailShare-1)*time.Since(began))
		switch {
		case err == nil:
			revision = now
		case ctx.Err() != nil:
		case !errors.Is(err, later.ErrUnavailable):
			return err
		default:
			fmt.Fprintf(t.err, "%s\n", printable(err.Error())) // it may come back
			pause = tailTrouble
		}
	}
}

// begin notes what is there, without a word.
func (t *tail) begin(ctx context.Context) error {
	guarded, err := t.queue.Guard(ctx, t.filter)
	if err != nil {
		return err
	}
	t.filter = guarded
	newest, err := t.queue.List(ctx, later.Filter{Limit: 1})
	if err != nil {
		return err
	}
	if len(newest) > 0 {
		t.newest = newest[0].ID
	}
	f := t.filter
	f.Status, f.Limit = []later.JobStatus{later.StatusPending, later.StatusRunning, later.StatusRetrying, later.StatusScheduled}, tailFollow
	jobs, err := t.queue.List(ctx, f)
	for _, job := range jobs {
		t.known[job.ID] = job
	}
	return err
}

// look prints what has changed since.
func (t *tail) look(ctx context.Context) error {
	var changed []later.Job
	f := t.filter
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(t.known)), pageSize) {
		f.IDs, f.Limit = ids, pageSize
		jobs, err := t.queue.List(ctx, f)
		if err != nil {
			return err
		}
		changed = append(changed, t.changed(ids, jobs)...)
	}
	fresh, err := t.fresh(ctx)
	if err != nil {
		return err
	}
	changed = append(changed, fresh...)
	slices.SortStableFunc(changed, func(a, b later.Job) int { return lastChange(a).Compare(lastChange(b)) })
	shown, err := t.queue.Redact(ctx, changed...)
	if err != nil {
		return err
	}
	for _, job := range shown {
		if err := t.print(job); err != nil {
			return err
		}
	}
	return nil
}

// fresh are the jobs that were enqueued since.
func (t *tail) fresh(ctx context.Context) (fresh []later.Job, err error) {
	f := t.filter
	f.Limit = pageSize
	for {
		jobs, err := t.queue.List(ctx, f)
		if err != nil {
			return nil, err
		}
		more := len(jobs) == f.Limit
		for _, job := range jobs {
			if job.ID <= t.newest {
				more = false
				break
			}
			fresh = append(fresh, job)
		}
		if !more || len(fresh) >= tailFollow {
			break
		}
		f.Before = jobs[len(jobs)-1].ID
	}
	for _, job := range fresh {
		t.newest = max(t.newest, job.ID)
		if !job.Status.Finished() && len(t.known) < tailFollow {
			t.known[job.ID] = job
		}
	}
	return fresh, nil
}

// changed are those of the jobs that are not as they were.
func (t *tail) changed(ids []int64, jobs []later.Job) (changed []later.Job) {
	now := map[int64]later.Job{}
	for _, job := range jobs {
		now[job.ID] = job
	}
	for _, id := range ids {
		job, there := now[id]
		if !there || job.Status.Finished() {
			defer delete(t.known, id)
		}
		was := t.known[id]
		if there && (job.Status != was.Status || job.Attempt != was.Attempt || !job.NextRunAt.Equal(was.NextRunAt)) {
			changed = append(changed, job)
			t.known[id] = job
		}
	}
	return changed
}

// lastChange is when a job came into its status, as far as it is known.
func lastChange(job later.Job) time.Time {
	for _, at := range []time.Time{job.FinishedAt, job.StartedAt} {
		if !at.IsZero() {
			return at
		}
	}
	return job.QueuedAt
}

func (t *tail) print(job later.Job) error {
	switch {
	case t.json():
		return t.printJSON(job)
	case t.quiet:
		return printIDs(t.app, []int64{job.ID})
	}
	now := time.Now()
	status := string(job.Status)
	more := oneLine(attention(job, now), 100)
	if job.Status == later.StatusCompleted {
		more = "in " + span(job.FinishedAt.Sub(job.StartedAt))
	}
	if more != "" {
		more = strings.Repeat(" ", max(0, 9-len(status))) + "  " + more
	}
	_, err := fmt.Fprintf(t.out, "%s  %d  %s  %s  %s%s\n", now.In(t.zone).Format("15:04:05"), job.ID,
		printable(job.Type), printable(job.Queue), t.paint(colourOf(status), status), printable(more))
	return err
}
