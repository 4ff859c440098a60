package later_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

var report = later.Define[numberArgs]("ReportJob", later.Timeout(0))

// slow beats keep simulated hours cheap.
var slow = later.Config{Heartbeat: time.Minute, TimeToDie: 5 * time.Minute, PollInterval: time.Minute}

func performReports(context.Context, numberArgs) error { return nil }

// scheduled starts a JobQueue that defines schedules.
func scheduled(t *testing.T, s store.Store, define func(*later.JobQueue) error) *later.JobQueue {
	t.Helper()
	queue := queueOn(t, s, slow, report.Do(performReports))
	if err := define(queue); err != nil {
		t.Fatal(err)
	}
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return queue
}

// ticks are the instants of a schedule that had a job, in the order of the jobs, as
// times of day.
func ticks(t *testing.T, queue *later.JobQueue, name string) (found []string) {
	t.Helper()
	jobs, err := queue.List(t.Context(), later.Filter{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range slices.Backward(jobs) {
		if job.Options != nil && job.Options.Schedule == name {
			found = append(found, job.Options.Tick.Format("15:04"))
		}
	}
	return found
}

func theSchedule(t *testing.T, queue *later.JobQueue, name string) later.Schedule {
	t.Helper()
	all, err := queue.Schedules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s later.Schedule) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no schedule %s among %v", name, all)
	}
	return all[i]
}

func wantTicks(t *testing.T, queue *later.JobQueue, name string, want ...string) {
	t.Helper()
	if got := ticks(t, queue, name); !slices.Equal(got, want) {
		t.Errorf("schedule %s had jobs for %v, want %v", name, got, want)
	}
}

// TestOneJobForEachTick: three processes that define the same.
func TestOneJobForEachTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, tempFile(t))
		var seen record[string]
		var queues []*later.JobQueue
		for range 3 {
			queue := queueOn(t, s, slow, report.Do(func(ctx context.Context, _ numberArgs) error {
				job := later.Running(ctx)
				seen.add(job.Options.Schedule + " " + job.Options.Tick.Format("15:04"))
				if late := time.Since(job.Options.Tick); late > time.Second {
					t.Errorf("the job of %v began %v late", job.Options.Tick, late)
				}
				return nil
			}))
			if err := queue.Schedule("report", later.Cron("*/10 * * * *", "Europe/Berlin"), report.With(numberArgs{N: 7}, later.Priority(3))); err != nil {
				t.Fatal(err)
			}
			start(t, queue)
			queues = append(queues, queue)
		}
		<-time.After(time.Hour + time.Minute)
		wantTicks(t, queues[0], "report", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00")
		if all := seen.all(); len(all) != 6 || all[0] != "report 00:10" {
			t.Errorf("performed: %v", all)
		}
		job := get(t, queues[0], theSchedule(t, queues[0], "report").LastJob)
		if string(job.Args) != `{"n":7}` || job.Priority != 3 || job.Type != "ReportJob" {
			t.Errorf("job: %+v", job)
		}
	})
}

// TestMissedTicks: nobody was there for an hour.
func TestMissedTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, tempFile(t))
		define := func(queue *later.JobQueue) error {
			rule, call := later.Cron("*/10 * * * *", ""), report.With(numberArgs{})
			return errors.Join(
				queue.Schedule("once", rule, call),
				queue.Schedule("skip", rule, call, later.Skip),
				queue.Schedule("all", rule, call, later.CatchUp(3)),
				queue.Schedule("more", later.Every("20m"), call, later.CatchUp(100)),
				queue.Schedule("yearly", later.Cron("@yearly", ""), call),
			)
		}
		stop(t, scheduled(t, s, define))
		<-time.After(time.Hour + 5*time.Minute)
		queue := scheduled(t, s, define)
		defer stop(t, queue)
		<-time.After(6 * time.Minute)
		wantTicks(t, queue, "once", "01:00", "01:10")
		wantTicks(t, queue, "skip", "01:10")
		wantTicks(t, queue, "all", "00:40", "00:50", "01:00", "01:10")
		wantTicks(t, queue, "more", "00:20", "00:40", "01:00")
		wantTicks(t, queue, "yearly")
	})
}

func TestOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t, slow, report.Do(func(ctx context.Context, _ numberArgs) error {
			select {
			case <-time.After(25 * time.Minute):
			case <-ctx.Done():
			}
			return nil
		}))
		call := report.With(numberArgs{})
		err := errors.Join(queue.Schedule("allowed", later.Every(10*time.Minute), call),
			queue.Schedule("skipped", later.Every(10*time.Minute), call, later.SkipIfRunning))
		if err != nil {
			t.Fatal(err)
		}
		start(t, queue)
		<-time.After(time.Hour + time.Minute)
		wantTicks(t, queue, "allowed", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00")
		wantTicks(t, queue, "skipped", "00:10", "00:40")
	})
}

// TestSchedulesByPeople: what can be done to schedules at run time.
func TestSchedulesByPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := open(t, tempFile(t))
		define := func(queue *later.JobQueue) error {
			return queue.Schedule("code", later.Every("10m"), report.With(numberArgs{}))
		}
		queue := scheduled(t, s, define)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(queue.SaveSchedule(ctx, "dynamic", later.Every("10m"), report.With(numberArgs{N: 1}), later.StartAt(time.Now().Add(5*time.Minute))))
		must(queue.PauseSchedule(ctx, "code", "the server is down"))
		<-time.After(16 * time.Minute)
		wantTicks(t, queue, "dynamic", "00:05", "00:15")
		wantTicks(t, queue, "code")
		if s := theSchedule(t, queue, "code"); s.PauseReason != "the server is down" || s.PausedAt.IsZero() || !s.NextRun.IsZero() || !s.InCode {
			t.Errorf("paused: %+v", s)
		}
		job, err := queue.RunSchedule(ctx, "code")
		must(err)
		if job.Options.Schedule != "code" || !job.Options.Tick.IsZero() {
			t.Errorf("run by hand: %+v", job)
		}
		must(queue.DeleteSchedule(ctx, "dynamic"))

		// A pause outlives a restart; what was due meanwhile is not made up for.
		stop(t, queue)
		queue = scheduled(t, s, define)
		<-time.After(5 * time.Minute)
		must(queue.ResumeSchedule(ctx, "code"))
		<-time.After(10 * time.Minute)
		wantTicks(t, queue, "dynamic", "00:05", "00:15")
		wantTicks(t, queue, "code", "00:00", "00:30")

		// A change stands, also over a restart, and is not due for the past.
		must(queue.SaveSchedule(ctx, "code", later.Cron("45 * * * *", ""), report.With(numberArgs{N: 2})))
		stop(t, queue)
		queue = scheduled(t, s, define)
		defer func() { stop(t, queue) }()
		<-time.After(15 * time.Minute)
		wantTicks(t, queue, "code", "00:00", "00:30", "00:45")
		if s := theSchedule(t, queue, "code"); !s.Edited || s.Rule != "45 * * * *" || string(s.Args) != `{"n":2}` {
			t.Errorf("edited: %+v", s)
		}

		// Until the code changes.
		stop(t, queue)
		queue = scheduled(t, s, func(queue *later.JobQueue) error {
			return queue.Schedule("code", later.Every("15m"), report.With(numberArgs{}))
		})
		if s := theSchedule(t, queue, "code"); s.Edited || s.Rule != "@every 15m0s" {
			t.Errorf("changed in code: %+v", s)
		}
		for _, err := range []error{
			queue.PauseSchedule(ctx, "none", ""), queue.ResumeSchedule(ctx, "none"), queue.DeleteSchedule(ctx, "none"),
			func() error { _, err := queue.RunSchedule(ctx, "none"); return err }(),
		} {
			if !errors.Is(err, later.ErrNotFound) || !strings.Contains(err.Error(), `"none"`) {
				t.Errorf("%v, want ErrNotFound", err)
			}
		}
	})
}

// TestScheduleAfterStart: also one that is due soon.
func TestScheduleAfterStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t, slow, report.Do(performReports))
		start(t, queue)
		<-time.After(10 * time.Second)
		if err := queue.Schedule("late", later.Cron("*/15 * * * * *", ""), report.With(numberArgs{})); err != nil {
			t.Fatal(err)
		}
		<-time.After(6 * time.Second)
		if n := len(ticks(t, queue, "late")); n != 1 {
			t.Errorf("%d jobs, want 1", n)
		}
	})
}

// TestRollingDeploy: programs of two versions start and stop beside one another. The new
// definition counts once there is one, and the old one again when it has been taken
// back.
func TestRollingDeploy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, tempFile(t))
		version := func(interval string) func(*later.JobQueue) error {
			return func(queue *later.JobQueue) error {
				return queue.Schedule("report", later.Every(interval), report.With(numberArgs{}))
			}
		}
		old, fresh := version("10m"), version("15m")
		a, b := scheduled(t, s, old), scheduled(t, s, old)
		rule := func(want string) {
			t.Helper()
			if got := theSchedule(t, a, "report").Rule; got != "@every "+want {
				t.Fatalf("the rule is %s, want %s", got, want)
			}
		}
		rule("10m0s")
		c := scheduled(t, s, fresh)
		rule("15m0s")
		stop(t, b)
		b = scheduled(t, s, old) // crashed, and begins again
		<-time.After(61 * time.Minute)
		rule("15m0s")
		wantTicks(t, a, "report", "00:15", "00:30", "00:45", "01:00")
		stop(t, c) // taken back
		<-time.After(2 * time.Minute)
		rule("10m0s")
		c = scheduled(t, s, fresh) // and again, while the old ones are still there
		<-time.After(2 * time.Minute)
		rule("10m0s")
		stop(t, a)
		stop(t, b)
		<-time.After(2 * time.Minute)
		rule("15m0s")

		// A program that does not define it does not keep it.
		stop(t, c)
		other := scheduled(t, s, func(*later.JobQueue) error { return nil })
		before := len(ticks(t, other, "report"))
		<-time.After(time.Hour)
		if after := len(ticks(t, other, "report")); after != before {
			t.Errorf("%d jobs of a schedule that no program defines", after-before)
		}
		stop(t, other)
	})
}

// TestOnSchedule: a definition carries its schedule, with jitter that never changes.
func TestOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late record[time.Duration]
		cleanup := later.Define[numberArgs]("CleanupJob", later.FormerlyNamed("OldCleanup"), later.Queue("slow"),
			later.OnSchedule(later.Every("10m"), later.Jitter(5*time.Minute)))
		queue := newQueue(t, slow, cleanup.Do(func(ctx context.Context, _ numberArgs) error {
			late.add(time.Since(later.Running(ctx).Options.Tick))
			return nil
		}))
		start(t, queue)
		<-time.After(36 * time.Minute)
		wantTicks(t, queue, "CleanupJob", "00:10", "00:20", "00:30")
		all := late.all()
		for _, d := range all {
			if d < time.Second || d > 5*time.Minute || (d-all[0]).Abs() > time.Second {
				t.Errorf("late by %v, the first by %v", d, all[0])
			}
		}
		s := theSchedule(t, queue, "CleanupJob")
		if s.Queue != "slow" || !s.InCode || len(all) != 3 {
			t.Errorf("%+v, %d performed", s, len(all))
		}
		runs, err := s.NextRuns(2)
		if err != nil || len(runs) != 2 || runs[0].UTC().Format("15:04") != "00:40" || runs[1].UTC().Format("15:04") != "00:50" {
			t.Errorf("next runs %v, %v", runs, err)
		}
	})
}
