package later_test

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type ReportArgs struct {
	Days int `json:"days" validate:"required"`
}

type CleanupArgs struct{}

var Report = later.Define[ReportArgs]("ReportJob")

var Cleanup = later.Define[CleanupArgs]("CleanupJob", later.OnSchedule(later.Every("6h"), later.Jitter(10*time.Minute)))

func ExampleJobQueue_Schedule() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(
		Report.Do(func(ctx context.Context, args ReportArgs) error {
			fmt.Println("report of", args.Days, "day, asked for by", later.Running(ctx).Options.Schedule)
			return nil
		}),
		Cleanup.Do(func(context.Context, CleanupArgs) error { return nil }))

	err = queue.Schedule("nightly-report", later.Cron("0 2 * * *", "Europe/Berlin"), Report.With(ReportArgs{Days: 1}))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := queue.Start(ctx); err != nil {
		panic(err)
	}
	defer queue.Stop(ctx)

	schedules, err := queue.Schedules(ctx)
	if err != nil {
		panic(err)
	}
	for _, s := range schedules {
		fmt.Printf("%s: %q %q\n", s.Name, s.Rule, s.Zone)
	}
	job, err := queue.RunSchedule(ctx, "nightly-report") // not before two in the morning otherwise
	if err != nil {
		panic(err)
	}
	if _, err := queue.Wait(ctx, job.ID); err != nil {
		panic(err)
	}
	// Output:
	// CleanupJob: "@every 6h0m0s" ""
	// nightly-report: "0 2 * * *" "Europe/Berlin"
	// report of 1 day, asked for by nightly-report
}

func ExampleRule_NextRuns() {
	runs, err := later.Cron("0 9 * * MON", "America/New_York").NextRuns(3)
	for _, at := range runs {
		fmt.Println(at.Weekday(), at.Format(time.TimeOnly))
	}
	fmt.Println(err)
	_, err = later.Cron("0 0 30 2 *", "").NextRuns(1)
	fmt.Println(err)
	// Output:
	// Monday 09:00:00
	// Monday 09:00:00
	// Monday 09:00:00
	// <nil>
	// invalid option: rule "0 0 30 2 *": it never happens: no month of it has such a day
}
