package why

import (
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

var now = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func process(change func(*store.Process)) store.Process {
	p := store.Process{ID: 7, PID: 70, Host: "web-1", State: store.ProcessRunning, BeatAt: now, StartedAt: now.Add(-time.Hour), Slots: 2, Performs: []string{"Mail", "Report"}}
	if change != nil {
		change(&p)
	}
	return p
}

// ready are the facts of a job that nothing keeps from running.
func ready(changes ...func(*JobFacts)) JobFacts {
	f := JobFacts{
		Now: now, TimeToDie: 15 * time.Second, Processes: []store.Process{process(nil)},
		Job:   store.Job{ID: 5, Type: "Mail", Queue: "mail", Status: store.Pending, MaxRetries: 3},
		Queue: store.QueueStats{Name: "mail", Pending: 1, Oldest: now},
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func in(status store.JobStatus) func(*JobFacts) {
	return func(f *JobFacts) { f.Job.Status = status }
}

func with(change func(*store.Process)) func(*JobFacts) {
	return func(f *JobFacts) { f.Processes = []store.Process{process(change)} }
}

func runs(f *JobFacts) {
	f.Job.Status, f.Job.ProcessID, f.Job.StartedAt = store.Running, 7, now.Add(-time.Minute)
}

func TestJob(t *testing.T) {
	for name, c := range map[string]struct {
		facts JobFacts
		codes string // of the findings, in order
		says  []string
	}{
		"completed":               {ready(in(store.Completed)), "L101", nil},
		"failed":                  {ready(in(store.Failed), func(f *JobFacts) { f.Job.Attempt, f.Job.Error = 4, "no route" }), "L102", []string{"4 attempts", "no route"}},
		"failed, arguments":       {ready(in(store.Failed), func(f *JobFacts) { f.Misfit = "/email" }), "L102", []string{"later edit 5"}},
		"crashed":                 {ready(in(store.Failed), func(f *JobFacts) { f.Job.Crashes = 5 }), "L102", []string{"5 processes died"}},
		"failed, the key is held": {ready(in(store.Failed), func(f *JobFacts) { f.Holder, f.Job.Options = 9, &store.Options{Unique: &store.Unique{Key: "k"}} }), "L102 L119", []string{"job 9 holds"}},
		"cancelled":               {ready(in(store.Cancelled), func(f *JobFacts) { f.Job.Error = "by ada" }), "L103", []string{"by ada"}},
		"not due":                 {ready(in(store.Scheduled), func(f *JobFacts) { f.Job.NextRunAt = now.Add(2 * time.Hour) }), "L107", []string{"in 2 h."}},
		"postponed":               {ready(in(store.Scheduled), func(f *JobFacts) { f.Job.NextRunAt, f.Job.Reason = now.Add(time.Hour), "API closed" }), "L107", []string{"API closed"}},
		"retrying":                {ready(in(store.Retrying), func(f *JobFacts) { f.Job.NextRunAt, f.Job.Attempt, f.Job.Error = now.Add(time.Minute), 2, "timeout" }), "L108", []string{"Attempt 2 of 4", "timeout"}},
		"due, but nobody lives":   {ready(in(store.Retrying), func(f *JobFacts) { f.Processes = nil }), "L108 L120", nil},
		"paused":                  {ready(func(f *JobFacts) { f.Queue.PausedAt, f.Queue.PauseReason = now.Add(-time.Hour), "migration (bob)" }), "L106", []string{"for 1 h", "migration (bob)", "later queue resume mail"}},
		"no process":              {ready(func(f *JobFacts) { f.Processes = nil }), "L120", nil},
		"no process of the queue": {ready(with(func(p *store.Process) { p.Queues = map[string]int{"mails": 2} })), "L104", []string{`Did you mean "mails"?`, "served queues", "later edit 5 --queue mails"}},
		"no slot for the queue":   {ready(with(func(p *store.Process) { p.Queues = map[string]int{"mail": 0} })), "L104", nil},
		"no handler":              {ready(func(f *JobFacts) { f.Job.Type = "Mial" }), "L105", []string{"Did you mean Mail?", "Mail, Report"}},
		"a handler elsewhere": {ready(func(f *JobFacts) {
			f.Processes = []store.Process{
				process(func(p *store.Process) { p.Performs = []string{"Report"} }),
				process(func(p *store.Process) { p.PID, p.Queues = 71, map[string]int{"other": 1} }),
			}
		}), "L105", []string{"71 on web-1"}},
		"an old process does not say": {ready(with(func(p *store.Process) { p.Performs = nil })), "L112", nil},
		"draining":                    {ready(with(func(p *store.Process) { p.State = store.ProcessDraining })), "L110", []string{"later process resume 7"}},
		"stopping":                    {ready(with(func(p *store.Process) { p.State = store.ProcessStopping })), "L110", []string{"stopping"}},
		"all are silent":              {ready(with(func(p *store.Process) { p.BeatAt = now.Add(-time.Minute) })), "L120", []string{"process 70 on web-1, 1 min ago"}},
		"silent": {ready(func(f *JobFacts) {
			f.Processes = []store.Process{
				process(func(p *store.Process) { p.BeatAt = now.Add(-time.Minute) }),
				process(func(p *store.Process) { p.PID, p.Queues = 71, map[string]int{"other": 1} }),
			}
		}), "L110", []string{"70 on web-1 is silent"}},
		"all have died": {ready(with(func(p *store.Process) { p.Ended = true })), "L120", []string{"0 ms ago, and has died"}},
		"one has died": {ready(func(f *JobFacts) {
			f.Processes = []store.Process{
				process(func(p *store.Process) { p.Ended = true }),
				process(func(p *store.Process) { p.PID, p.Queues = 71, map[string]int{"other": 1} }),
			}
		}), "L110", []string{"70 on web-1 has died"}},
		"suspect": {ready(func(f *JobFacts) { f.Job.Crashes = 2 }), "L111", []string{"2 processes died"}},
		"slots taken": {ready(func(f *JobFacts) {
			f.Queue.Running, f.Runners = 2, []store.Job{{ID: 3, Type: "Report", StartedAt: now.Add(-time.Hour)}}
		}), "L109", []string{"Report 3, for 1 h"}},
		"not its turn":         {ready(func(f *JobFacts) { f.Ahead = 4 }), "L109", []string{"4 jobs are ahead"}},
		"its turn can be told": {ready(func(f *JobFacts) { f.Ahead, f.Done = 4, 15 }), "L109", []string{"its turn: in about 5 min, at the speed of the last 15 min"}},
		"others are favoured":  {ready(func(f *JobFacts) { f.Ahead, f.Favoured = 4, 3 }), "L109", []string{"4 jobs are ahead of it, 3 of a higher priority"}},
		"others fail of the same": {ready(in(store.Failed), func(f *JobFacts) { f.Cause = store.Cause{ID: 10, Failed: 7, Retrying: 2, FirstSeen: now} }), "L102",
			[]string{"the same cause: 7 failed, 2 to be retried", "later error show 000000000000000a"}},
		"nobody else fails of it":  {ready(in(store.Failed), func(f *JobFacts) { f.Cause = store.Cause{ID: 10, Failed: 1} }), "L102", nil},
		"a line too long to count": {ready(func(f *JobFacts) { f.Ahead, f.Queue.Pending = -1, 101 }), "L109", []string{"many jobs"}},
		"a line far apart":         {ready(func(f *JobFacts) { f.Ahead = -1 }), "L109", []string{"others may be ahead"}},
		"any moment":               {ready(), "L112", nil},
		"clocks differ":            {ready(func(f *JobFacts) { f.Skew = -90 * time.Second }), "L118 L112", []string{"1 min 30 s behind"}},
		"a process's clock":        {ready(with(func(p *store.Process) { p.ClockAhead = 3 * time.Second })), "L118 L112", []string{"process 70 on web-1 is 3 s ahead", "ahead by: 3s"}},
		"another queue's clock": {ready(func(f *JobFacts) {
			f.Processes = append(f.Processes, process(func(p *store.Process) { p.ClockAhead, p.Queues = time.Minute, map[string]int{"other": 1} }))
		}), "L112", nil},
		"arguments do not fit":  {ready(func(f *JobFacts) { f.Misfit = "/email" }), "L117 L112", []string{"/email"}},
		"running":               {ready(runs), "L113", []string{"for 1 min,", "web-1"}},
		"running, and draining": {ready(runs, with(func(p *store.Process) { p.State = store.ProcessDraining })), "L113", []string{"which is draining"}},
		"process gone":          {ready(runs, func(f *JobFacts) { f.Processes = nil }), "L114", []string{"gone"}},
		"process died":          {ready(runs, with(func(p *store.Process) { p.Ended = true })), "L114", []string{"has died: the next program"}},
		"process died, others live": {ready(runs, func(f *JobFacts) {
			f.Processes = []store.Process{process(func(p *store.Process) { p.Ended = true }), process(func(p *store.Process) { p.ID = 8 })}
		}), "L114", []string{"has died: a living process"}},
		"process silent":         {ready(runs, with(func(p *store.Process) { p.BeatAt = now.Add(-time.Minute) })), "L114", []string{"silent for 1 min"}},
		"ignores a cancellation": {ready(runs, func(f *JobFacts) { f.Job.CancelRequested = true }), "L115", []string{"later process stack 5"}},
		"ignores its timeout":    {ready(runs, func(f *JobFacts) { f.Job.Timeout = 20 * time.Second }), "L116", []string{"timeout of 20 s"}},
		"within its timeout":     {ready(runs, func(f *JobFacts) { f.Job.Timeout = 55 * time.Second }), "L113", nil},
	} {
		t.Run(name, func(t *testing.T) {
			report := Job(c.facts)
			check(t, report, c.codes, c.says)
			for _, f := range report.Findings {
				if f.Severity != Info && f.Fix.Now == "" {
					t.Errorf("%s says not what to do", f.Code)
				}
			}
		})
	}
}

func check(t *testing.T, report Report, codes string, says []string) {
	t.Helper()
	var got []string
	var text strings.Builder
	for _, f := range report.Findings {
		got = append(got, f.Code)
		text.WriteString(f.Text + "\n" + f.Fix.Now + "\n" + f.Fix.Command + "\n" + f.Fix.Code + "\n")
		for _, e := range f.Evidence {
			text.WriteString(e.Name + ": " + e.Value + "\n")
		}
		if Codes[f.Code] == "" {
			t.Errorf("%s is not among the codes", f.Code)
		}
	}
	if strings.Join(got, " ") != codes {
		t.Fatalf("found %v, expected %s:\n%s", got, codes, text.String())
	}
	for _, part := range says {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is not in\n%s", part, text.String())
		}
	}
}

// TestFine: what was looked at and is fine is told, and nothing after what decided.
func TestFine(t *testing.T) {
	fine := strings.Join(Job(ready(func(f *JobFacts) { f.Queue.PausedAt = now })).Fine, ", ")
	if fine != "not finished, clocks agree, not running, due" {
		t.Errorf("fine: %s", fine)
	}
}

func TestWordsForShells(t *testing.T) {
	for in, want := range map[string]string{"mail": "mail", "my mail": "'my mail'", "it's": `'it'\''s'`, "": "''", "$(rm)": "'$(rm)'"} {
		if got := word(in); got != want {
			t.Errorf("word(%q) = %s, expected %s", in, got, want)
		}
	}
}
