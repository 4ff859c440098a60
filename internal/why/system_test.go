package why

import (
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// calm are the facts of a system that needs nobody.
func calm(changes ...func(*SystemFacts)) SystemFacts {
	f := SystemFacts{
		Now: now, TimeToDie: 15 * time.Second, Processes: []store.Process{process(nil)},
		Stats:     store.Stats{Counts: map[store.JobStatus]int64{}},
		Retention: store.Retention{Completed: time.Hour},
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func queue(q store.QueueStats) func(*SystemFacts) {
	return func(f *SystemFacts) {
		f.Stats.Queues = append(f.Stats.Queues, q)
		f.Stats.Counts[store.Pending] += q.Pending
	}
}

func rollup(ago time.Duration, completed, failed int64) func(*SystemFacts) {
	return func(f *SystemFacts) {
		f.Rollups = append(f.Rollups, store.Rollup{At: now.Add(-ago), Queue: "mail", Type: "Mail", Completed: completed, Failed: failed})
	}
}

func failedJobs(n int64) func(*SystemFacts) {
	return func(f *SystemFacts) { f.Stats.Counts[store.Failed] = n }
}

func muted(failures int64, ago time.Duration) func(*SystemFacts) {
	return func(f *SystemFacts) {
		f.MutedFailed = failures
		f.Muted = []store.Cause{{ID: 1, Type: "Mail", Failed: failures, Counts: []store.CauseCount{{At: now.Add(-ago).Truncate(store.CauseSpan), Failures: failures}}}}
	}
}

func schedule(s store.Schedule) func(*SystemFacts) {
	return func(f *SystemFacts) {
		s.Name = "nightly"
		f.Schedules = append(f.Schedules, s)
	}
}

func ruled(rule, zone string) store.Schedule {
	return store.Schedule{Definition: store.ScheduleDefinition{Rule: rule, Zone: zone}}
}

func TestSystem(t *testing.T) {
	waiting := store.QueueStats{Name: "mail", Pending: 3, Oldest: now.Add(-time.Second)}
	broken, paused, missed := ruled("nonsense", ""), ruled("0 2 * * *", ""), ruled("0 2 * * *", "")
	paused.PausedAt, paused.PauseReason = now.Add(-time.Hour), "stocktaking"
	missed.DueAt = now.Add(-time.Hour)
	spring := now.AddDate(0, 0, 20) // a week before the clocks of Berlin change
	for name, c := range map[string]struct {
		facts SystemFacts
		codes string
		says  []string
	}{
		"calm":               {calm(), "", nil},
		"jobs that run soon": {calm(queue(waiting)), "", nil},
		"alarm":              {calm(func(f *SystemFacts) { f.Alarm = "the log is long" }), "L212", []string{"the log is long"}},
		"full disk": {calm(func(f *SystemFacts) {
			f.Store = []store.Inspection{{Code: "L304", Name: "free disk", Value: "3 MB", Problem: "Only 3 MB are free.", Fix: "Make room.", Severe: true}, {Code: "L302", Name: "journal mode", Value: "wal"}}
		}), "L304", []string{"free disk: 3 MB", "Make room."}},
		"clocks":             {calm(func(f *SystemFacts) { f.Skew = 2 * time.Second }), "L118", nil},
		"another's clock":    {calm(func(f *SystemFacts) { f.Processes[0].ClockAhead = -5 * time.Second }), "L118", []string{"process 70 on web-1 is 5 s behind", "ahead by: -5s"}},
		"clocks near enough": {calm(func(f *SystemFacts) { f.Processes[0].ClockAhead = time.Second }), "", nil},
		"a dead one's clock": {calm(func(f *SystemFacts) { f.Processes[0].ClockAhead, f.Processes[0].Ended = time.Minute, true }), "L201", []string{"has died without a word"}},
		"panics": {calm(func(f *SystemFacts) {
			f.Panics = []store.Cause{{ID: 10, Type: "Mail", Title: "panic: nil map", Total: 3}, {ID: 11}}
		}), "L214",
			[]string{"A handler of Mail panics: nil map.", "later error show 000000000000000a", "others: 1 cause more"}},
		"kept for ever by others": {calm(func(f *SystemFacts) { f.Retention.Completed, f.Bystander = -1, true }), "", nil},
		"failures since a deploy": {calm(rollup(time.Minute, 5, 5), func(f *SystemFacts) { f.Processes[0].Version = "v2" }), "L202", []string{"new version: v2, since 2026-03-02 11:00"}},
		"no process":              {calm(queue(waiting), func(f *SystemFacts) { f.Processes = nil }), "L120", []string{"waiting jobs: 3"}},
		"all are silent": {calm(queue(waiting), func(f *SystemFacts) { f.Processes[0].BeatAt = now.Add(-time.Minute) }), "L120 L201",
			[]string{"process 70 on web-1, 1 min ago", "The next program that calls queue.Run"}},
		"served by a dead one": {calm(queue(waiting), func(f *SystemFacts) {
			f.Processes[0].BeatAt = now.Add(-time.Minute)
			f.Processes = append(f.Processes, process(func(p *store.Process) { p.PID, p.Queues = 71, map[string]int{"media": 1} }))
		}), "L104 L201", []string{"media"}},
		"no process, no job": {calm(func(f *SystemFacts) { f.Processes = nil }), "", nil},
		"unserved": {calm(queue(waiting), func(f *SystemFacts) {
			f.Processes = []store.Process{process(func(p *store.Process) { p.Queues = map[string]int{"media": 1} })}
		}), "L104", []string{"media"}},
		"unhandled": {calm(queue(waiting), func(f *SystemFacts) {
			f.Waiting = []store.Job{{ID: 1, Type: "Fax", Queue: "mail"}, {ID: 2, Type: "Fax", Queue: "mail"}, {ID: 3, Type: "Mail", Queue: "mail"}}
		}), "L105", []string{"handler for Fax"}},
		"paused with jobs": {calm(queue(store.QueueStats{Name: "mail", Pending: 1, PausedAt: now.Add(-time.Minute)})), "L106", nil},
		"paused for long":  {calm(queue(store.QueueStats{Name: "mail", PausedAt: now.Add(-2 * time.Hour)})), "L106", nil},
		"paused a moment":  {calm(queue(store.QueueStats{Name: "mail", PausedAt: now.Add(-time.Minute)})), "", nil},
		"waits for long":   {calm(queue(store.QueueStats{Name: "mail", Pending: 1, Oldest: now.Add(-time.Hour)})), "L209", []string{"for 1 h."}},
		"grows":            {calm(queue(store.QueueStats{Name: "mail", Pending: 10_000, Oldest: now.Add(-2 * time.Minute)}), rollup(time.Minute, 15, 0)), "L208", []string{"done per minute: 1.0"}},
		"is worked off":    {calm(queue(store.QueueStats{Name: "mail", Pending: 10_000, Oldest: now.Add(-2 * time.Minute)}), rollup(time.Minute, 15_000, 0)), "", nil},
		"silent process":   {calm(func(f *SystemFacts) { f.Processes[0].BeatAt = now.Add(-time.Minute) }), "L201", []string{"silent for 1 min"}},
		"drains for long": {calm(func(f *SystemFacts) {
			f.Processes[0].State, f.Processes[0].StartedAt = store.ProcessDraining, now.Add(-2*time.Hour)
		}), "L213", nil},
		"versions mixed": {calm(func(f *SystemFacts) {
			f.Processes = append(f.Processes, process(func(p *store.Process) { p.Version = "v2" }))
		}), "L211", []string{"v2, without a version"}},
		"a deploy": {calm(func(f *SystemFacts) {
			f.Processes = append(f.Processes, process(func(p *store.Process) { p.Version, p.StartedAt = "v2", now.Add(-time.Minute) }))
		}), "", nil},
		"stuck job": {calm(func(f *SystemFacts) {
			f.Running = []store.Job{{ID: 9, Type: "Mail", Status: store.Running, ProcessID: 7, StartedAt: now.Add(-time.Hour), CancelRequested: true}}
		}), "L115", []string{"Mail 9"}},
		"many stuck jobs": {calm(func(f *SystemFacts) {
			for id := range int64(9) {
				f.Running = append(f.Running, store.Job{ID: id, Type: "Mail", Status: store.Running, ProcessID: 7, StartedAt: now.Add(-time.Hour), Timeout: time.Minute})
			}
		}), "L116 L116 L116 L116", []string{"6 more jobs ignore their timeouts"}},
		"failures rise":        {calm(rollup(time.Minute, 5, 5), rollup(time.Hour, 100, 1)), "L202", []string{"50 %", "Mail"}},
		"failures as ever":     {calm(rollup(time.Minute, 5, 5), rollup(time.Hour, 100, 80)), "", nil},
		"few failures":         {calm(rollup(time.Minute, 0, 2)), "", nil},
		"failed jobs":          {calm(func(f *SystemFacts) { f.Stats.Counts[store.Failed] = 1 }), "L203", []string{"1 job has failed"}},
		"muted failures":       {calm(rollup(time.Minute, 5, 5), rollup(time.Hour, 100, 1), muted(5, 0)), "", nil},
		"muted long ago":       {calm(rollup(time.Minute, 5, 5), rollup(time.Hour, 100, 1), muted(5, time.Hour)), "L202", nil},
		"some are not muted":   {calm(failedJobs(7), muted(5, 0)), "L203", []string{"2 jobs have failed"}},
		"all are muted":        {calm(failedJobs(5), muted(5, 0)), "", nil},
		"kept for ever":        {calm(func(f *SystemFacts) { f.Retention.Completed = -1 }), "L210", nil},
		"broken schedule":      {calm(schedule(broken)), "L204", []string{"nightly"}},
		"paused schedule":      {calm(schedule(paused)), "L205", []string{"stocktaking"}},
		"missed schedule":      {calm(schedule(missed)), "L206", []string{"1 h ago"}},
		"clock change":         {calm(schedule(ruled("30 2 * * *", "Europe/Berlin")), func(f *SystemFacts) { f.Now, f.Processes = spring, nil }), "L207", []string{"Europe/Berlin"}},
		"no clock change soon": {calm(schedule(ruled("30 2 * * *", "Europe/Berlin"))), "", nil},
		"not that night":       {calm(schedule(ruled("30 14 * * *", "Europe/Berlin")), func(f *SystemFacts) { f.Now, f.Processes = spring, nil }), "", nil},
		"hourly":               {calm(schedule(ruled("0 * * * *", "Europe/Berlin")), func(f *SystemFacts) { f.Now, f.Processes = spring, nil }), "", nil},
		"the worst first":      {calm(func(f *SystemFacts) { f.Skew, f.Stats.Counts[store.Failed] = time.Minute, 2 }), "L203 L118", nil},
	} {
		t.Run(name, func(t *testing.T) { check(t, System(c.facts), c.codes, c.says) })
	}
}
