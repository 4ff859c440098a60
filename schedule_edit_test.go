package later_test

import (
	"context"
	"errors"
	"testing"

	"github.com/laterjobs/later"
)

// TestEditSchedule: the rule and the arguments change, with the key that follows from them,
// and nothing else.
func TestEditSchedule(t *testing.T) {
	ctx, queue := t.Context(), newQueue(t, later.Config{})
	reindex := later.Define[tableArgs]("Reindex", later.Unique(tableOf))
	queue.Register(reindex.Do(func(context.Context, tableArgs) error { return nil }))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(queue.SaveSchedule(ctx, "nightly", later.Cron("0 2 * * *", ""), reindex.With(tableArgs{Table: "orders"}, later.Queue("slow"), later.Tags("night")), later.CatchUp(3), later.SkipIfRunning))
	must(queue.EditSchedule(ctx, "nightly", later.Cron("0 3 * * *", "Europe/Berlin"), nil))
	s := theSchedule(t, queue, "nightly")
	if s.Rule != "0 3 * * *" || s.Zone != "Europe/Berlin" || s.CatchUp != 3 || !s.SkipIfRunning || s.Queue != "slow" || s.Edited || s.NextRun.IsZero() {
		t.Errorf("%+v", s)
	}
	job, err := queue.RunSchedule(ctx, "nightly")
	if must(err); job.Options.UniqueKey().Key != "orders" || job.Queue != "slow" {
		t.Errorf("%+v %+v", job, job.Options)
	}
	must(queue.EditSchedule(ctx, "nightly", later.Every("1h"), []byte(`{"table":"users"}`)))
	job, err = queue.RunSchedule(ctx, "nightly")
	if must(err); job.Options.UniqueKey().Key != "users" || job.Queue != "slow" || len(job.Tags) != 1 || job.Options.Schedule != "nightly" {
		t.Errorf("%+v %+v", job, job.Options)
	}
	for _, wrong := range []struct {
		name string
		rule later.Rule
		args string
		want error
	}{
		{"nobody", later.Every("1h"), `{}`, later.ErrNotFound}, {"nightly", later.Cron("0 25 * * *", ""), `{}`, later.ErrInvalidOption},
		{"nightly", later.Rule{}, `{}`, later.ErrInvalidOption}, {"nightly", later.Every("1h"), `{"table":7}`, later.ErrInvalidArgs}, {"nightly", later.Every("1h"), `{`, later.ErrInvalidArgs},
	} {
		if err := queue.EditSchedule(ctx, wrong.name, wrong.rule, []byte(wrong.args)); !errors.Is(err, wrong.want) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if s := theSchedule(t, queue, "nightly"); string(s.Args) != `{"table":"users"}` || s.Rule != "@every 1h0m0s" {
		t.Errorf("%+v", s)
	}
}
