package why

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// SystemFacts is what is known of the whole system.
type SystemFacts struct {
	Now       time.Time
	Skew      time.Duration
	TimeToDie time.Duration
	Stats     store.Stats
	Processes []store.Process
	Types     []store.JobType
	Schedules []store.Schedule
	Running   []store.Job    // some, the longest first
	Waiting   []store.Job    // some that are pending
	Rollups   []store.Rollup // of the last two hours; those before recent may be sums
	Muted     []store.Cause  // that raise no attention, with their counts of late
	Panics    []store.Cause  // of late
	Newest    store.Job      // without an id: there is none
	Retention store.Retention
	Bystander bool // who asks performs nothing: how it is configured says nothing of those that do
	// MutedFailed is how many of the failed jobs raise no attention.
	MutedFailed int64
	Alarm       string             // what the store says of itself
	Store       []store.Inspection // what the store has looked at
}

const (
	longWait     = 5 * time.Minute  // for a pending job
	longPause    = time.Hour        // of a queue
	longDrain    = time.Hour        // of a process
	longMixture  = time.Hour        // of versions
	lateSchedule = 5 * time.Minute  // past its time
	recent       = 15 * time.Minute // for what grows
)

// System says what needs a person, the worst first, and what is fine.
func System(f SystemFacts) Report {
	r := Report{At: f.Now, Findings: []Finding{}, Stats: f.Stats}
	for _, check := range []func(*SystemFacts, *Report){
		alarm, inspected, newest, systemClocks, queues, types, processes, versions, stuck, failures, panics, backlog, schedules, retention,
	} {
		check(&f, &r)
	}
	Sort(r.Findings)
	return r
}

// Sort puts the worst first.
func Sort(findings []Finding) {
	rank := map[Severity]int{Error: 0, Warning: 1, Info: 2}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
}

func alarm(f *SystemFacts, r *Report) {
	if f.Alarm == "" {
		r.fine("the store raises no alarm")
		return
	}
	r.found(Finding{
		Code: "L212", Severity: Error, Text: "The store needs attention: " + f.Alarm + ".",
		Fix: Fix{Now: "Do what it says; jobs are stored and performed meanwhile."},
	})
}

// newest tells one store from another that is taken for it.
func newest(f *SystemFacts, r *Report) {
	if f.Newest.ID == 0 {
		r.fine("newest job: none, the store is empty")
		return
	}
	r.fine(fmt.Sprintf("newest job: %d, a %s, queued %s ago", f.Newest.ID, f.Newest.Type, span(f.Now.Sub(f.Newest.QueuedAt))))
}

func inspected(f *SystemFacts, r *Report) {
	for _, look := range f.Store {
		if look.Problem == "" {
			r.fine(look.Name + ": " + look.Value)
			continue
		}
		severity := Warning
		if look.Severe {
			severity = Error
		}
		r.found(Finding{Code: look.Code, Severity: severity, Text: look.Problem, Fix: Fix{Now: look.Fix}}.with(fact(look.Name, look.Value)))
	}
}

func queues(f *SystemFacts, r *Report) {
	before := len(r.Findings)
	alive := living(f.Processes, f.Now, f.TimeToDie)
	for _, q := range f.Stats.Queues {
		paused := !q.PausedAt.IsZero()
		switch {
		case paused && (q.Pending > 0 || f.Now.Sub(q.PausedAt) > longPause):
			r.found(pausedFinding(f.Now, q, Warning))
		case paused || q.Pending == 0:
		case len(alive) == 0: // said once, below
		case len(serving(alive, q.Name)) == 0:
			r.found(unserved(q, alive))
		case f.Now.Sub(q.Oldest) > longWait:
			r.found(Finding{
				Code: "L209", Severity: Warning, Text: fmt.Sprintf("The queue %q is behind: its oldest job has waited for %s.", q.Name, span(f.Now.Sub(q.Oldest))),
				Fix: Fix{Now: "See what takes its slots, or start more processes.", Action: "show", Query: term("queue", q.Name) + " status:pending",
					Code: "More slots: Config.Concurrency, Config.Queues."},
			}.with(fact("waiting jobs", atLeast(q.Pending, q.PendingMore)), fact("running", strconv.FormatInt(q.Running, 10))))
		}
	}
	if len(alive) == 0 && f.Stats.Counts[store.Pending]+f.Stats.Counts[store.Scheduled]+f.Stats.Counts[store.Retrying]+f.Stats.Counts[store.Running] > 0 {
		r.found(noProcess(f.Processes, f.Now).with(fact("waiting jobs", atLeast(f.Stats.Counts[store.Pending], f.Stats.More[store.Pending]))))
	}
	if len(r.Findings) == before {
		r.fine("every queue with jobs is served, and none is behind")
	}
}

// types finds jobs that wait for a handler that nobody has.
func types(f *SystemFacts, r *Report) {
	before := len(r.Findings)
	said := map[string]bool{}
	for _, job := range f.Waiting {
		there := serving(f.Processes, job.Queue)
		able := slices.ContainsFunc(there, func(p store.Process) bool { return performs(p, job.Type) })
		if key := job.Queue + "\x00" + job.Type; len(there) > 0 && !able && !said[key] {
			said[key] = true
			r.found(unhandled(job.Type, job.Queue, f.Processes))
		}
	}
	if len(r.Findings) == before {
		r.fine("every waiting type has a handler")
	}
}

func processes(f *SystemFacts, r *Report) {
	before := len(r.Findings)
	heirs := "Others take over its jobs by themselves."
	if len(living(f.Processes, f.Now, f.TimeToDie)) == 0 {
		heirs = "The next program that calls queue.Run takes over its jobs."
	}
	for _, p := range f.Processes {
		id, quiet := strconv.FormatInt(p.ID, 10), f.Now.Sub(p.BeatAt)
		switch {
		case p.Ended:
			r.found(Finding{
				Code: "L201", Severity: Error, Text: fmt.Sprintf("Process %d on %s has died without a word.", p.PID, p.Host),
				Fix: Fix{Now: "See what has become of it. " + heirs, Action: "show-process", Process: p.ID},
			}.with(fact("process", id), fact("last heartbeat", moment(p.BeatAt))))
		case quiet > f.TimeToDie:
			r.found(Finding{
				Code: "L201", Severity: Error, Text: fmt.Sprintf("Process %d on %s has been silent for %s.", p.PID, p.Host, span(quiet)),
				Fix: Fix{Now: "See what has become of it. " + heirs, Action: "show-process", Process: p.ID},
			}.with(fact("process", id), fact("last heartbeat", moment(p.BeatAt))))
		case p.State == store.ProcessDraining && f.Now.Sub(p.StartedAt) > longDrain:
			r.found(Finding{
				Code: "L213", Severity: Warning, Text: fmt.Sprintf("Process %d on %s drains: it claims nothing more.", p.PID, p.Host),
				Fix: Fix{Now: "Let it resume, or stop it.", Action: "resume-process", Process: p.ID, Command: "later process resume " + id},
			}.with(fact("process", id)))
		}
	}
	if len(r.Findings) == before && len(f.Processes) > 0 {
		r.fine(count(int64(len(f.Processes)), "process has", "processes have") + " a fresh heartbeat")
	}
}

// versions: for the time of a deploy several are as it should be.
func versions(f *SystemFacts, r *Report) {
	names := map[string]bool{}
	var newest time.Time
	for _, p := range f.Processes {
		names[p.Version] = true
		if p.StartedAt.After(newest) {
			newest = p.StartedAt
		}
	}
	if len(names) < 2 || f.Now.Sub(newest) < longMixture {
		r.fine("processes have one version, or are being deployed")
		return
	}
	var list []string
	for name := range names {
		list = append(list, cmp.Or(name, "without a version"))
	}
	r.found(Finding{
		Code: "L211", Severity: Warning, Text: fmt.Sprintf("Processes of %d versions have worked side by side for %s.", len(names), span(f.Now.Sub(newest))),
		Fix: Fix{Now: "Finish the deploy, or roll it back."},
	}.with(fact("versions", listed(list))))
}

// stuckShown is how many stuck jobs have a line of their own.
const stuckShown = 3

func stuck(f *SystemFacts, r *Report) {
	before := len(r.Findings)
	more := 0
	for _, job := range f.Running {
		report := Job(JobFacts{Now: f.Now, TimeToDie: f.TimeToDie, Job: job, Processes: f.Processes})
		for _, found := range report.Findings {
			if found.Code == "L115" || found.Code == "L116" {
				found.Text = fmt.Sprintf("%s %d: %s", job.Type, job.ID, found.Text)
				if len(r.Findings)-before < stuckShown {
					r.found(found)
				} else {
					more++
				}
			}
		}
	}
	if more > 0 {
		r.found(Finding{
			Code: "L116", Severity: Error, Text: count(int64(more), "more job ignores its timeout, or that it was asked to stop.", "more jobs ignore their timeouts, or that they were asked to stop."),
			Fix: Fix{Now: "See where they hang.", Action: "show", Query: "status:running", Command: "later list --status running"},
		})
	}
	if len(r.Findings) == before {
		r.fine("no running job ignores that it was asked to stop")
	}
}

// manyFailures is how many jobs of the last minutes must fail, and which part of all, to
// be worth a word.
const (
	manyFailures = 5
	badShare     = 0.2
)

func failures(f *SystemFacts, r *Report) {
	var lately, before store.Rollup
	perType := map[string]*store.Rollup{}
	for i := range f.Rollups {
		one := &f.Rollups[i]
		switch age := f.Now.Sub(one.At); {
		case age <= recent:
			lately.Add(one)
			if perType[one.Type] == nil {
				perType[one.Type] = &store.Rollup{Type: one.Type}
			}
			perType[one.Type].Add(one)
		case age <= 2*time.Hour:
			before.Add(one)
		}
	}
	for i := range f.Muted {
		lately.Retried -= withoutMuted(f, &f.Muted[i], perType[f.Muted[i].Type])
	}
	share, shareBefore := failedShare(lately), failedShare(before)
	if lately.Failed+lately.Retried >= manyFailures && share >= badShare && share > 2*shareBefore {
		var worst []string
		for _, one := range perType {
			if failedShare(*one) >= badShare && one.Failed+one.Retried > 0 {
				worst = append(worst, one.Type)
			}
		}
		r.found(Finding{
			Code: "L202", Severity: Error, Text: fmt.Sprintf("%d %% of the attempts of the last %s have failed.", int(100*share), span(recent)),
			Fix: Fix{Now: "Look at what fails, or mute it.", Action: "show-causes", Query: "status:failed,retrying", Command: "later list --status failed"},
		}.with(fact("types", listed(worst)), fact("before", fmt.Sprintf("%d %%", int(100*shareBefore)))).with(f.deployed()...))
	}
	n := f.Stats.Counts[store.Failed] - f.MutedFailed
	switch {
	case n > 0:
	case f.MutedFailed > 0:
		r.fine(count(f.MutedFailed, "failed job has a cause", "failed jobs have causes") + " that somebody has muted")
		return
	default:
		r.fine("no job has failed for good")
		return
	}
	r.found(Finding{
		Code: "L203", Severity: Error, Text: count(n, "job has failed and will not run again by itself.", "jobs have failed and will not run again by themselves."),
		Fix: Fix{Now: "Retry or delete them, when the cause is known, or mute it.", Action: "show-causes", Query: "status:failed", Command: "later list --status failed"},
	}.with(fact("failed", strconv.FormatInt(n, 10))))
}

// deployed are versions that have come of late: the next thing to look at when jobs begin
// to fail.
func (f *SystemFacts) deployed() (facts []Fact) {
	first := map[string]time.Time{}
	for _, p := range f.Processes {
		if at, known := first[p.Version]; p.Version != "" && (!known || p.StartedAt.Before(at)) {
			first[p.Version] = p.StartedAt
		}
	}
	for _, version := range slices.Sorted(maps.Keys(first)) {
		if f.Now.Sub(first[version]) <= 2*time.Hour && len(facts) < 3 {
			facts = append(facts, fact("new version", fmt.Sprintf("%s, since %s", version, moment(first[version]))))
		}
	}
	return facts
}

func panics(f *SystemFacts, r *Report) {
	if len(f.Panics) == 0 {
		r.fine("no handler has panicked of late")
		return
	}
	worst := f.Panics[0]
	found := Finding{
		Code: "L214", Severity: Warning, Text: fmt.Sprintf("A handler of %s panics: %s.", worst.Type, strings.TrimRight(strings.TrimPrefix(worst.Title, "panic: "), ".")),
		Fix: Fix{Now: "See where, and mend it; or mute it.", Action: "show-causes", Command: "later error show " + worst.ID.String(),
			Code: "A panic is an error with its stack: it is retried like any other."},
	}.with(fact("last", moment(worst.LastSeen)), fact("times", strconv.FormatInt(worst.Total, 10)))
	if more := len(f.Panics) - 1; more > 0 {
		found = found.with(fact("others", count(int64(more), "cause more is a panic", "causes more are panics")))
	}
	r.found(found)
}

// withoutMuted takes the failures of a muted cause from those of its type, and returns how
// many. They are counted in coarser spans: some may be older.
func withoutMuted(f *SystemFacts, c *store.Cause, of *store.Rollup) (n int64) {
	if of == nil {
		return 0
	}
	for _, span := range c.Counts {
		if f.Now.Sub(span.At) <= recent+store.CauseSpan {
			n += span.Failures
		}
	}
	n = min(n, of.Failed+of.Retried)
	of.Retried -= n // the sum is what matters
	return n
}

func failedShare(r store.Rollup) float64 {
	failed := float64(r.Failed + r.Retried)
	return failed / max(1, failed+float64(r.Completed))
}

// backlog compares how many jobs are there with how many are done: a queue that would
// take more than an hour at its present speed, and whose oldest job waits.
func backlog(f *SystemFacts, r *Report) {
	done := map[string]int64{}
	for i := range f.Rollups {
		if one := &f.Rollups[i]; f.Now.Sub(one.At) <= recent {
			done[one.Queue] += one.Completed + one.Failed + one.Cancelled
		}
	}
	before := len(r.Findings)
	for _, q := range f.Stats.Queues {
		perMinute := float64(done[q.Name]) / recent.Minutes()
		if perMinute == 0 || !q.PausedAt.IsZero() || f.Now.Sub(q.Oldest) < time.Minute {
			continue
		}
		if left := time.Duration(float64(q.Pending) / perMinute * float64(time.Minute)); left > time.Hour {
			takes := span(left)
			if q.PendingMore {
				takes = "more than " + takes
			}
			r.found(Finding{
				Code: "L208", Severity: Warning, Text: fmt.Sprintf("At its present speed the queue %q takes %s to empty.", q.Name, takes),
				Fix: Fix{Now: "Start more processes, or make the jobs quicker.", Action: "show", Query: term("queue", q.Name) + " status:pending", Code: "More slots: Config.Concurrency, Config.Queues."},
			}.with(fact("waiting jobs", atLeast(q.Pending, q.PendingMore)), fact("done per minute", fmt.Sprintf("%.1f", perMinute))))
		}
	}
	if len(r.Findings) == before {
		r.fine("no queue grows faster than it is worked off")
	}
}

// atLeast is a number of jobs, of which there may be more than were counted.
func atLeast(jobs int64, more bool) string {
	text := strconv.FormatInt(jobs, 10)
	if more {
		return text + "+"
	}
	return text
}

func retention(f *SystemFacts, r *Report) {
	switch {
	case f.Bystander:
		return
	case f.Retention.Completed >= 0:
		r.fine("finished jobs are deleted in time")
		return
	}
	r.found(Finding{
		Code: "L210", Severity: Warning, Text: "Completed jobs are kept for ever: the store grows.",
		Fix: Fix{Now: "Decide for how long they are needed.", Code: "Config.Retention.Completed"},
	}.with(fact("completed", strconv.FormatInt(f.Stats.Counts[store.Completed], 10))))
}
