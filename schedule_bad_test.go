package later_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
)

// TestBadScheduleStopsNoOther: rows that somebody has written by hand.
func TestBadScheduleStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, tempFile(t))
		var mu sync.Mutex
		var log bytes.Buffer
		cfg := slow
		cfg.Logger = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), nil))
		queue := queueOn(t, s, cfg, report.Do(performReports))
		for _, name := range []string{"a", "b", "c", "d", "good"} {
			if err := queue.SaveSchedule(t.Context(), name, later.Every("10m"), report.With(numberArgs{})); err != nil {
				t.Fatal(err)
			}
		}
		for _, statement := range []string{
			`UPDATE later_schedule SET definition = 'no JSON', due_at = 0 WHERE name = 'a'`,
			`UPDATE later_schedule SET definition = '{"rule":"61 * * * *"}' WHERE name = 'b'`,
			`UPDATE later_schedule SET definition = replace(definition, 'ReportJob', 'NobodyHasIt'), next_tick = NULL WHERE name = 'c'`,
			`UPDATE later_schedule SET code = '[1]', next_tick = -9000000000000000000, due_at = -9000000000000000000 WHERE name = 'd'`,
		} {
			if _, err := s.DB().Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		start(t, queue)
		<-time.After(21 * time.Minute)
		wantTicks(t, queue, "good", "00:10", "00:20")
		wantTicks(t, queue, "c", "00:10", "00:20")
		if n := len(ticks(t, queue, "d")); n != 3 {
			t.Errorf("%d jobs of the one that was due before all time, want one for that and two more", n)
		}
		for name, says := range map[string]string{"a": "its definition cannot be read", "b": "minute 61"} {
			if problem := theSchedule(t, queue, name).Problem; !strings.Contains(problem, says) {
				t.Errorf("problem of %s: %q", name, problem)
			}
			if _, err := queue.RunSchedule(t.Context(), name); name == "a" && err == nil {
				t.Error("a schedule that cannot be read was run")
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if lines := strings.Count(log.String(), "a schedule cannot be kept"); lines < 2 || lines > 2*22 {
			t.Errorf("%d lines about it:\n%s", lines, log.String())
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestSchedulesThatAreRefused(t *testing.T) {
	call := report.With(numberArgs{})
	rule := later.Every("1h")
	for _, c := range []struct {
		name string
		rule later.Rule
		call later.Call
		opts []later.ScheduleOption
		says string
	}{
		{"x", later.Cron("0 0 30 2 *", ""), call, nil, "never happens"},
		{"x", later.Cron("0 25 * * *", ""), call, nil, "hour 25 is outside 0–23"},
		{"x", later.Cron("0 0 * * *", "Europe/Atlantis"), call, nil, "Europe/Atlantis"},
		{"x", later.Every("soon"), call, nil, "not an interval"},
		{"x", later.Every(time.Millisecond), call, nil, "below a second"},
		{"x", later.Rule{}, call, nil, "zero Rule"},
		{"", rule, call, nil, "schedule is empty"},
		{"a\x00b", rule, call, nil, "control character"},
		{"x", rule, later.Call{}, nil, "zero Call"},
		{"x", rule, report.With(numberArgs{}, later.In(time.Hour)), nil, "the rule says when"},
		{"x", rule, report.With(numberArgs{}, later.Priority(1<<20)), nil, "priority"},
		{"x", rule, call, []later.ScheduleOption{later.CatchUp(0), later.Jitter(-1), later.StartAt(time.Time{})}, "CatchUp of 0"},
		{"x", rule, call, []later.ScheduleOption{later.CatchUp(1), later.Jitter(-1)}, "jitter"},
	} {
		queue := newQueue(t, later.Config{})
		err := queue.Schedule(c.name, c.rule, c.call, c.opts...)
		if !errors.Is(err, later.ErrInvalidOption) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q %v: %v, want an error that says %q", c.name, c.rule, err, c.says)
		}
		if saved := queue.SaveSchedule(t.Context(), c.name, c.rule, c.call, c.opts...); !errors.Is(saved, later.ErrInvalidOption) {
			t.Errorf("saved: %v", saved)
		}
		if err := queue.Start(t.Context()); !errors.Is(err, later.ErrInvalidOption) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Start: %v, want an error that says %q", err, c.says)
			stop(t, queue)
		}
	}
	mail := later.Define[mailArgs]("MailJob", later.OnSchedule(rule))
	queue := newQueue(t, later.Config{}, mail.Do(func(context.Context, mailArgs) error { return nil }))
	if err := queue.Start(t.Context()); !errors.Is(err, later.ErrInvalidArgs) || !strings.Contains(err.Error(), "zero value") {
		t.Errorf("a zero value that is not valid: %v", err)
	}
}
