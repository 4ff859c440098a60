package later_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
)

// TestCauses: failures that differ in numbers have one cause, which is known at once and
// counted within a minute; what it has failed can be retried, and nothing else.
func TestCauses(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{Concurrency: 10}, textJob.Do(func(ctx context.Context, args textArgs) error {
			job := later.Running(ctx).Job
			switch args.Text {
			case "refused":
				return later.RetryIn(24*time.Hour, fmt.Errorf("order %d was refused", job.ID))
			case "gone":
				return later.Discard(fmt.Errorf("order %d was refused", job.ID))
			case "panic":
				panic(errBusy)
			}
			return nil
		}))
		var refused []later.Job
		for _, text := range []string{"", "refused", "gone", "gone", "panic"} {
			job := enqueue(t, textJob, queue, textArgs{text}, later.MaxRetries(map[bool]int{true: 1}[text == "refused"]))
			if text == "refused" || text == "gone" {
				refused = append(refused, job)
			}
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		causes, err := queue.Causes(t.Context(), later.CauseFilter{})
		if err != nil || len(causes) != 2 {
			t.Fatalf("%+v, %v", causes, err)
		}
		job, err := queue.Get(t.Context(), refused[0].ID)
		if err != nil || job.Cause == 0 {
			t.Fatalf("%+v, %v", job, err)
		}
		for _, c := range causes {
			switch {
			case c.ID == job.Cause && c.Title == "order … was refused" && c.ErrorType == "error" && c.Failed == 2 && c.Retrying == 1 && c.Type == textJob.Name():
			case c.ID != job.Cause && c.Title == "panic: busy" && c.ErrorType == "panic" && c.Failed == 1:
			default:
				t.Errorf("%+v", c)
			}
		}
		<-time.After(90 * time.Second)
		only := later.CauseFilter{IDs: []later.CauseID{job.Cause}, CountsFrom: time.Now().Add(-time.Hour)}
		causes, err = queue.Causes(t.Context(), only)
		if err != nil || len(causes) != 1 || causes[0].Total != 3 || len(causes[0].Counts) != 1 || causes[0].Counts[0].Failures != 3 {
			t.Errorf("%+v, %v", causes, err)
		}
		if err := queue.Mute(t.Context(), job.Cause, time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if causes, err := queue.Causes(t.Context(), later.CauseFilter{Unmuted: true, Failed: true}); err != nil || len(causes) != 1 || causes[0].ID == job.Cause {
			t.Errorf("unmuted: %+v, %v", causes, err)
		}
		report, err := queue.Doctor(t.Context())
		if i := slices.IndexFunc(report.Findings, func(f later.Finding) bool { return f.Code == "L203" }); err != nil || i < 0 ||
			!strings.HasPrefix(report.Findings[i].Text, "1 job has failed") {
			t.Errorf("the jobs of a muted cause raise attention: %+v, %v", report, err)
		}
		if err := queue.Mute(t.Context(), 7, time.Time{}); !errors.Is(err, later.ErrNotFound) {
			t.Errorf("muting an unknown cause: %v", err)
		}
		if n, err := queue.RetryAll(t.Context(), later.Filter{Cause: job.Cause}); err != nil || n != 3 {
			t.Errorf("retried %d jobs, %v", n, err)
		}
		stop(t, queue)
	})
}

// TestTooManyCauses: messages that are never the same do not fill the store.
func TestTooManyCauses(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{Concurrency: 1}, textJob.Do(func(ctx context.Context, args textArgs) error {
			return later.Discard(errors.New(args.Text))
		}))
		const jobs = 150
		for i := range jobs {
			word := string([]rune{'a' + rune(i/26), 'a' + rune(i%26)})
			enqueue(t, textJob, queue, textArgs{"message " + word})
		}
		if _, err := queue.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		causes, err := queue.Causes(t.Context(), later.CauseFilter{Limit: 1000})
		if err != nil || len(causes) != 101 {
			t.Fatalf("%d causes, %v", len(causes), err)
		}
		failed := int64(0)
		for _, c := range causes {
			failed += c.Failed
		}
		if failed != jobs {
			t.Errorf("%d of %d failed jobs have a cause", failed, jobs)
		}
	})
}
