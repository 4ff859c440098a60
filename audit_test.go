package later_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// TestAudited: every verb that changes something by hand leaves its entry, with who it was.
func TestAudited(t *testing.T) {
	queue := newQueue(t, later.Config{})
	call := later.Define[struct{}]("AuditedJob")
	var ids []int64
	for range 3 {
		job, err := call.PerformIn(t.Context(), queue, time.Hour, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, job.ID)
	}
	ana := later.By(t.Context(), "ana", later.FromDashboard)
	all := later.Filter{Type: "AuditedJob", Queue: "default", Status: []later.JobStatus{later.StatusCancelled}, QueuedAfter: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, verb := range []struct {
		want string
		call func() error
	}{
		{"reschedule job 1, 1: ", func() error { return queue.Reschedule(ana, ids[0], time.Now().Add(time.Minute)) }},
		{"run now job 1, 1: ", func() error { return queue.RunNow(ana, ids[0]) }},
		{"cancel job 1, 1: enough", func() error { return queue.Cancel(ana, ids[0], "enough") }},
		{"cancel jobs id:2,3, 2: both", func() error { _, err := queue.CancelAll(ana, later.Filter{IDs: ids[1:]}, "both"); return err }},
		{"run now job 1, 1: ", func() error { return queue.RunNow(ana, ids[0]) }},
		{"retry jobs status:cancelled type:AuditedJob queue:default queued:2020-01-01T00:00:00Z.., 2: ", func() error { _, err := queue.RetryAll(ana, all); return err }},
		{"delete job 3, 1: ", func() error { return queue.Delete(ana, ids[2]) }},
		{"delete jobs , 2: ", func() error { _, err := queue.DeleteAll(ana, later.Filter{}); return err }},
		{"pause queue mails, 0: down", func() error { return queue.Pause(ana, "mails", "down") }},
		{"resume queue mails, 0: ", func() error { return queue.Resume(ana, "mails") }},
		{"save schedule s, 0: ", func() error { return queue.SaveSchedule(ana, "s", later.Every(time.Hour), call.With(struct{}{})) }},
		{"pause schedule s, 0: holiday", func() error { return queue.PauseSchedule(ana, "s", "holiday") }},
		{"resume schedule s, 0: ", func() error { return queue.ResumeSchedule(ana, "s") }},
		{"run schedule s, 1: ", func() error { _, err := queue.RunSchedule(ana, "s"); return err }},
		{"delete schedule s, 0: ", func() error { return queue.DeleteSchedule(ana, "s") }},
	} {
		if err := verb.call(); err != nil {
			t.Fatalf("%s: %v", verb.want, err)
		}
		entries, err := queue.Audit(t.Context(), later.AuditFilter{Limit: 1})
		if err != nil || len(entries) != 1 {
			t.Fatalf("%s: %v, %v", verb.want, entries, err)
		}
		e := entries[0]
		if got := fmt.Sprintf("%s %s %s, %d: %s", e.Action, e.Kind, e.Target, e.Jobs, e.Reason); got != verb.want || e.Person != "ana" || e.Source != later.FromDashboard || time.Since(e.At) > time.Minute {
			t.Errorf("the entry is %q by %s from %s at %v, want %q", got, e.Person, e.Source, e.At, verb.want)
		}
	}
	for _, failing := range []func() error{
		func() error { return queue.Cancel(ana, 404, "") }, func() error { return queue.DeleteSchedule(ana, "none") },
	} {
		if failing() == nil {
			t.Error("it has not failed")
		}
	}
	if entries, err := queue.Audit(t.Context(), later.AuditFilter{}); err != nil || len(entries) != 15 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// TestAuditNames: who says nothing is a program, or the job that it runs as.
func TestAuditNames(t *testing.T) {
	queue := newQueue(t, later.Config{})
	cleaner := later.Define[struct{}]("CleanerJob")
	queue.Register(cleaner.Do(func(ctx context.Context, _ struct{}) error { return queue.Pause(ctx, "other", "cleaning") }))
	if _, err := cleaner.PerformLater(t.Context(), queue, struct{}{}); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := queue.Resume(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if err := queue.Pause(later.By(t.Context(), "a\x00b\xff"+strings.Repeat("x", 1000), later.FromCLI), "other", ""); err != nil {
		t.Fatal(err)
	}
	entries, err := queue.Audit(t.Context(), later.AuditFilter{Kind: "queue"})
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	slices.Reverse(entries)
	if e := entries[0]; e.Person != "job 1 (CleanerJob)" || e.Source != later.FromProgram {
		t.Errorf("the job is %q from %s", e.Person, e.Source)
	}
	if e := entries[1]; !strings.HasSuffix(e.Person, fmt.Sprintf(":%d)", os.Getpid())) || e.Source != later.FromProgram {
		t.Errorf("the program is %q from %s", e.Person, e.Source)
	}
	if e := entries[2]; len(e.Person) > 200 || !strings.HasPrefix(e.Person, "a␀b") {
		t.Errorf("the person is %q", e.Person)
	}
}
