package why

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/laterjobs/later/internal/nearest"
	"github.com/laterjobs/later/store"
)

// JobFacts is what is known of a job and of what it depends on.
type JobFacts struct {
	Now       time.Time     // by the clock that rules
	Skew      time.Duration // by how much the asking program's clock is ahead of that
	TimeToDie time.Duration // silence after which a process is given up
	Job       store.Job
	Queue     store.QueueStats // of the job
	Processes []store.Process
	Ahead     int         // pending jobs that are claimed before it; −1: not known
	Runners   []store.Job // that run in its queue, the longest first
	Misfit    string      // why the arguments do not fit the published schema; empty: they do, or nobody knows
	Holder    int64       // another job that holds its unique key; 0: none
	Favoured  int         // of those ahead: they have a higher priority
	Done      int64       // attempts that its queue has ended of late
	Cause     store.Cause // of its error; without an id: none is known
}

// grace is for what should happen at once.
const grace = 10 * time.Second

// Job says why a job is, or is not, running: the first reason that decides, and what was
// looked at before and is fine.
func Job(f JobFacts) Report {
	r := Report{At: f.Now, Findings: []Finding{}}
	for _, check := range []func(*JobFacts, *Report) bool{finished, clocks, running, notDue, paused, misfit, served, handled, awake, suspect, turn} {
		if check(&f, &r) {
			break
		}
	}
	return r
}

func (f *JobFacts) id() string { return strconv.FormatInt(f.Job.ID, 10) }

func finished(f *JobFacts, r *Report) bool {
	job, by := &f.Job, fact("attempts", strconv.Itoa(f.Job.Attempt))
	retry := Fix{Now: "Retry it when the cause is gone.", Action: "retry", Job: job.ID, Command: "later retry " + f.id()}
	switch job.Status {
	case store.Completed:
		r.found(Finding{Code: "L101", Severity: Info, Text: "It has completed, at " + moment(job.FinishedAt) + "."}.with(by))
		return true
	case store.Failed:
		text := fmt.Sprintf("It has failed for good, after %s.", count(int64(job.Attempt), "attempt", "attempts"))
		if job.Crashes >= store.MaxCrashes {
			text = fmt.Sprintf("It was given up: %d processes died while they had it.", job.Crashes)
		}
		retry.Code = "More tries: later.MaxRetries; not for this error: later.DiscardOn, later.RetryIf."
		if f.Misfit != "" { // to try again would not help
			retry = Fix{Now: "Enqueue it anew with arguments that fit its type.", Command: "later edit " + f.id(),
				Code: "Keep new fields optional for as long as older jobs are stored."}
		}
		r.found(Finding{Code: "L102", Severity: Error, Text: text, Fix: retry}.
			with(by, fact("error", job.Error), fact("finished", moment(job.FinishedAt))).with(f.fellows()...))
		f.checkHolder(r)
		return true
	case store.Cancelled:
		text := "It was cancelled"
		if job.Error != "" {
			text += ": " + job.Error
		}
		r.found(Finding{Code: "L103", Severity: Info, Text: text + ".", Fix: retry}.with(fact("finished", moment(job.FinishedAt))))
		f.checkHolder(r)
		return true
	}
	r.fine("not finished")
	return false
}

// fellows are other jobs that have the same cause: the fault is then not this job's alone.
func (f *JobFacts) fellows() []Fact {
	c := f.Cause
	if c.ID == 0 || c.Failed+c.Retrying < 2 {
		return nil
	}
	return []Fact{fact("the same cause", fmt.Sprintf("%d failed, %d to be retried, since %s: later error show %s", c.Failed, c.Retrying, moment(c.FirstSeen), c.ID))}
}

// checkHolder: nobody can retry a job while another one holds its key.
func (f *JobFacts) checkHolder(r *Report) {
	if f.Holder == 0 {
		return
	}
	holder := strconv.FormatInt(f.Holder, 10)
	r.found(Finding{
		Code: "L119", Severity: Warning, Text: "It cannot be retried: job " + holder + " holds its unique key by now.",
		Fix: Fix{Now: "Look at that job; it may do the same work.", Action: "show", Job: f.Holder, Command: "later show " + holder},
	}.with(fact("key", f.Job.Options.UniqueKey().Key), fact("holder", holder)))
}

func running(f *JobFacts, r *Report) bool {
	job := &f.Job
	if job.Status != store.Running {
		r.fine("not running")
		return false
	}
	i := slices.IndexFunc(f.Processes, func(p store.Process) bool { return p.ID == job.ProcessID })
	since := f.Now.Sub(job.StartedAt)
	facts := []Fact{fact("running for", span(since)), fact("process", strconv.FormatInt(job.ProcessID, 10))}
	if i < 0 {
		r.found(Finding{
			Code: "L114", Severity: Warning, Text: "Its process is gone; a living process takes the job back within seconds, if there is one.",
			Fix: Fix{Now: "See that a process runs.", Code: "Start a program that calls queue.Run."},
		}.with(facts...))
		return true
	}
	p := f.Processes[i]
	facts = append(facts, fact("host", p.Host), fact("heartbeat", span(f.Now.Sub(p.BeatAt))+" ago"))
	if p.Ended {
		r.found(Finding{
			Code: "L114", Severity: Error, Text: fmt.Sprintf("Its process, %d on %s, has died: %s", p.PID, p.Host, f.heirs()),
			Fix: Fix{Now: "See what has become of it, and that another process lives."},
		}.with(facts...))
		return true
	}
	if quiet := f.Now.Sub(p.BeatAt); quiet > f.TimeToDie {
		r.found(Finding{
			Code: "L114", Severity: Error, Text: fmt.Sprintf("Its process, %d on %s, has been silent for %s: other processes take the job back once they have watched that for %s.", p.PID, p.Host, span(quiet), span(f.TimeToDie)),
			Fix: Fix{Now: "See that another process lives, and what has become of this one."},
		}.with(facts...))
		return true
	}
	stack := Fix{Now: "See where it hangs.", Action: "stack", Job: job.ID, Command: "later process stack " + f.id(),
		Code: "The handler must return when ctx.Done() is closed: pass ctx to whatever it waits for."}
	switch {
	case job.CancelRequested && since > grace:
		r.found(Finding{Code: "L115", Severity: Error, Text: "It was asked to stop, and goes on: its handler ignores the end of its context. The slot stays taken.", Fix: stack}.with(facts...))
	case job.Timeout > 0 && since > job.Timeout+grace:
		r.found(Finding{Code: "L116", Severity: Error, Text: fmt.Sprintf("It has run for %s, past its timeout of %s: its handler ignores the end of its context. The slot stays taken.", span(since), span(job.Timeout)), Fix: stack}.with(facts...))
	default:
		text := fmt.Sprintf("It runs, for %s, in process %d on %s.", span(since), p.PID, p.Host)
		if p.State != store.ProcessRunning {
			text = fmt.Sprintf("It runs, for %s, in process %d on %s, which is %s.", span(since), p.PID, p.Host, p.State)
		}
		stack.Now, stack.Code = "See what it does.", ""
		r.found(Finding{Code: "L113", Severity: Info, Text: text, Fix: stack}.with(facts...))
	}
	return true
}

// heirs says who takes back the jobs of the dead.
func (f *JobFacts) heirs() string {
	if len(f.living()) == 0 {
		return "the next program that calls queue.Run takes the job back."
	}
	return "a living process takes the job back within seconds."
}

func notDue(f *JobFacts, r *Report) bool {
	job := &f.Job
	facts := []Fact{fact("due", moment(job.NextRunAt)), fact("attempts", strconv.Itoa(job.Attempt))}
	when := "in " + span(job.NextRunAt.Sub(f.Now))
	if !job.NextRunAt.After(f.Now) {
		when = "now: a process makes it pending within seconds, if one lives"
	}
	switch job.Status {
	case store.Scheduled:
		text := "It is not due yet. Its time is " + when + "."
		if job.Reason != "" {
			text = "It was postponed: " + job.Reason + ". Its time is " + when + "."
		}
		r.found(Finding{Code: "L107", Severity: Info, Text: text, Fix: Fix{Now: "Run it before its time.", Action: "run", Job: job.ID}}.with(facts...))
	case store.Retrying:
		r.found(Finding{
			Code: "L108", Severity: Info, Text: fmt.Sprintf("Attempt %d of %d has failed. The next one is due %s.", job.Attempt, job.MaxRetries+1, when),
			Fix: Fix{Now: "Try now, if the cause is gone.", Action: "retry", Job: job.ID, Command: "later retry " + f.id(), Code: "The delays: later.Exponential, later.Linear, later.Fixed."},
		}.with(append(facts, fact("error", job.Error))...).with(f.fellows()...))
	default:
		r.fine("due")
		return false
	}
	if len(f.living()) == 0 { // nobody would make it pending
		r.found(f.noProcess())
	}
	return true
}

func paused(f *JobFacts, r *Report) bool {
	if f.Queue.PausedAt.IsZero() {
		r.fine("queue not paused")
		return false
	}
	r.found(pausedFinding(f.Now, f.Queue, Error))
	return true
}

func pausedFinding(now time.Time, q store.QueueStats, severity Severity) Finding {
	text := fmt.Sprintf("The queue %q has been paused for %s", q.Name, span(now.Sub(q.PausedAt)))
	if q.PausedBy != "" {
		text += " by " + q.PausedBy
	}
	if q.PauseReason != "" {
		text += ": " + q.PauseReason
	}
	return Finding{
		Code: "L106", Severity: severity, Text: text + ".",
		Fix: Fix{Now: "Resume the queue.", Action: "resume", Queue: q.Name, Command: "later queue resume " + word(q.Name)},
	}.with(fact("paused", moment(q.PausedAt)), fact("waiting jobs", atLeast(q.Pending, q.PendingMore)))
}

// misfit does not decide: the attempt fails, and says so itself.
func misfit(f *JobFacts, r *Report) bool {
	if f.Misfit == "" {
		r.fine("arguments fit their type")
		return false
	}
	r.found(Finding{
		Code: "L117", Severity: Warning, Text: "Its arguments do not fit the type as a process has published it last: it is going to fail at once.",
		Fix: Fix{Now: "Cancel it, and enqueue it anew with arguments that fit.", Action: "cancel", Job: f.Job.ID, Command: "later cancel " + f.id(),
			Code: "Keep new fields optional for as long as older jobs are stored."},
	}.with(fact("problem", f.Misfit)))
	return false
}

func served(f *JobFacts, r *Report) bool {
	if len(f.living()) == 0 {
		r.found(f.noProcess())
		return true
	}
	if len(serving(f.Processes, f.Job.Queue)) == 0 {
		r.found(f.unserved())
		return true
	}
	r.fine("a process serves the queue")
	return false
}

func (f *JobFacts) living() []store.Process { return living(f.Processes, f.Now, f.TimeToDie) }
func (f *JobFacts) noProcess() Finding      { return noProcess(f.Processes, f.Now) }

// unserved says besides how this job gets to the queue that was probably meant.
func (f *JobFacts) unserved() Finding {
	found := unserved(f.Queue, f.Processes)
	var names []string
	for _, p := range f.living() {
		for name := range p.Queues {
			names = append(names, name)
		}
	}
	if near := nearest.Name(f.Queue.Name, names); near != "" {
		found.Fix.Command = "later edit " + f.id() + " --queue " + word(near)
	}
	return found
}

func unserved(q store.QueueStats, processes []store.Process) Finding {
	var names []string
	for _, p := range processes {
		for name := range p.Queues {
			names = append(names, name)
		}
	}
	f := Finding{
		Code: "L104", Severity: Error, Text: fmt.Sprintf("No process serves the queue %q.", q.Name),
		Fix: Fix{
			Now: "Let a process serve it, or enqueue to a queue that is served.", Action: "show", Query: term("queue", q.Name) + " status:pending",
			Code: fmt.Sprintf("Add %q to Config.Queues of a process.", q.Name),
		},
	}.with(fact("waiting jobs", atLeast(q.Pending, q.PendingMore)), fact("processes", strconv.Itoa(len(processes))), fact("served queues", listed(names)))
	if near := nearest.Name(q.Name, names); near != "" {
		f.Text += fmt.Sprintf(" Did you mean %q?", near)
		f.Fix.Code += fmt.Sprintf(" Or enqueue with later.Queue(%q).", near)
	}
	return f
}

func handled(f *JobFacts, r *Report) bool {
	able := slices.DeleteFunc(serving(f.Processes, f.Job.Queue), func(p store.Process) bool { return !performs(p, f.Job.Type) })
	if len(able) > 0 {
		r.fine("a process has a handler")
		return false
	}
	r.found(unhandled(f.Job.Type, f.Job.Queue, f.Processes))
	return true
}

func unhandled(jobType, queue string, processes []store.Process) Finding {
	var names, elsewhere, versions []string
	for _, p := range processes {
		if slotsFor(p, queue) > 0 {
			names = append(names, p.Performs...)
			if p.Version != "" {
				versions = append(versions, p.Version)
			}
		} else if slices.Contains(p.Performs, jobType) {
			elsewhere = append(elsewhere, fmt.Sprintf("%d on %s", p.PID, p.Host))
		}
	}
	f := Finding{
		Code: "L105", Severity: Error, Text: fmt.Sprintf("No process that serves the queue %q has a handler for %s.", queue, jobType),
		Fix: Fix{
			Now: "Start, or deploy, a program that has one.", Action: "show", Query: term("type", jobType) + " status:pending",
			Code: "queue.Register(definition.Do(handler)) before queue.Run; for a type that was renamed, later.FormerlyNamed.",
		},
	}.with(fact("types there", listed(names)), fact("versions there", listed(versions)))
	if len(elsewhere) > 0 {
		f = f.with(fact("a handler is in a process that does not serve the queue", listed(elsewhere)))
	} else if near := nearest.Name(jobType, names); near != "" {
		f.Text += fmt.Sprintf(" Did you mean %s?", near)
	}
	return f
}

// awake: draining and stopping processes claim nothing, silent ones may not either.
func awake(f *JobFacts, r *Report) bool {
	var states []string
	var drains store.Process
	for _, p := range serving(f.Processes, f.Job.Queue) {
		switch {
		case !performs(p, f.Job.Type):
		case p.State == store.ProcessRunning && !silent(p, f.Now, f.TimeToDie):
			r.fine("a process claims jobs")
			return false
		case p.Ended:
			states = append(states, fmt.Sprintf("%d on %s has died", p.PID, p.Host))
		case p.State == store.ProcessRunning:
			states = append(states, fmt.Sprintf("%d on %s is silent", p.PID, p.Host))
		default:
			states = append(states, fmt.Sprintf("%d on %s is %s", p.PID, p.Host, p.State))
			if p.State == store.ProcessDraining {
				drains = p
			}
		}
	}
	found := Finding{Code: "L110", Severity: Error, Text: "Every process that could perform it claims nothing more.", Fix: Fix{Now: "Start another process."}}
	if drains.ID != 0 {
		id := strconv.FormatInt(drains.ID, 10)
		found.Fix = Fix{Now: "Let the process that drains resume.", Action: "resume-process", Process: drains.ID, Command: "later process resume " + id}
	}
	r.found(found.with(fact("processes", listed(states))))
	return true
}

func suspect(f *JobFacts, r *Report) bool {
	if f.Job.Crashes < store.SuspectAfter {
		r.fine("no suspect")
		return false
	}
	r.found(Finding{
		Code: "L111", Severity: Warning,
		Text: fmt.Sprintf("%d processes died while they had it: it waits until a process has nothing else to do, and runs alone.", f.Job.Crashes),
		Fix: Fix{Now: "Cancel it, if it is what kills them.", Action: "cancel", Job: f.Job.ID, Command: "later cancel " + f.id(),
			Code: "Look for what ends the process: memory, os.Exit, a fatal error of the runtime."},
	}.with(fact("crashes", strconv.Itoa(f.Job.Crashes)), fact("given up at", strconv.Itoa(store.MaxCrashes))))
	return true
}
