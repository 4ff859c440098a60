package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// faults are mistakes that a store could have.
var faults = map[string]broken{
	"accepts stale tokens": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil {
			o.Token = k.job.Token
		}
	})},
	"forgets accepted tokens": {did: eachAfter("Finish", func(_ *Reference, k *kept) {
		k.finisher = 0
		for i := range k.attempts {
			k.attempts[i].token = 0
		}
	})},
	"claims from paused queues":    {did: func(r *Reference, _ string) { clear(r.paused) }},
	"claims suspects with others":  {did: eachAfter("Recover", func(_ *Reference, k *kept) { k.job.Crashes = min(k.job.Crashes, 1) })},
	"claims more than asked":       {given: spoil(func(_ *Reference, d *store.Demand) { d.Limit++ })},
	"claims from other queues":     {given: spoil(func(_ *Reference, d *store.Demand) { d.Queues = nil })},
	"claims types nobody performs": {given: spoil(func(_ *Reference, d *store.Demand) { d.Types = append(d.Types, "Report", "Other", "Unknown") })},
	"ignores priorities":           {given: spoil(func(_ *Reference, n *store.NewJob) { n.Priority = 0 })},
	"rounds large numbers": {given: spoil(func(_ *Reference, n *store.NewJob) {
		n.Args = []byte(strings.ReplaceAll(string(n.Args), "9007199254740993", "9007199254740992"))
	})},
	"loses options":            {given: spoil(func(_ *Reference, n *store.NewJob) { n.Options = nil })},
	"loses metadata":           {given: spoil(func(_ *Reference, n *store.NewJob) { n.Metadata = nil })},
	"performs before its time": {given: spoil(func(_ *Reference, n *store.NewJob) { n.RunAt = n.RunAt.Add(-time.Hour) })},
	"loses what rules counted": {given: spoil(func(_ *Reference, o *store.Outcome) { o.RuleRetries = nil })},
	"loses causes":             {given: spoil(func(_ *Reference, o *store.Outcome) { o.Cause = 0 })},
	"loses results":            {given: spoil(func(_ *Reference, o *store.Outcome) { o.Result = nil })},
	"gives a job the result of another": {given: spoil(func(r *Reference, o *store.Outcome) {
		for _, k := range r.jobs {
			if o.Result != nil && k.job.Result != nil {
				o.Result = k.job.Result
			}
		}
	})},
	"a release counts as an attempt": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil && o.Kind == store.Release && k.job.Token == o.Token {
			k.counted++
		}
	})},
	"a released job loses its place": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil && o.Kind == store.Release && k.job.Token == o.Token {
			k.position = r.next()
		}
	})},
	"a postponement counts as an attempt": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil && o.Kind == store.Postpone && k.job.Token == o.Token {
			k.counted++
		}
	})},
	"a crash burns an attempt": {did: eachAfter("Recover", func(_ *Reference, k *kept) { k.counted += min(1, k.job.Crashes) })},
	"crashes are not counted":  {did: eachAfter("Recover", func(_ *Reference, k *kept) { k.job.Crashes = 0 })},
	"declares the living dead": {given: spoil(func(r *Reference, s *store.Silent) {
		if p := r.processes[s.ProcessID]; p != nil {
			s.Beat = p.Beat
		}
	})},
	"a heartbeat hides claims":    {answered: spoiled(func(b *store.Beaten) { b.Claims = nil })},
	"a heartbeat never searches":  {given: spoil(func(_ *Reference, h *store.Heartbeat) { h.Search = false })},
	"a heartbeat always searches": {given: spoil(func(_ *Reference, h *store.Heartbeat) { h.Search = true })},
	"a heartbeat minds no tokens": {given: spoil(func(r *Reference, h *store.Heartbeat) {
		h.Held = slices.Clone(h.Held)
		for i, c := range h.Held {
			if k := r.jobs[c.JobID]; k != nil {
				h.Held[i].Token = k.job.Token
			}
		}
	})},
	"a heartbeat hides cancels":  {answered: spoiled(func(b *store.Beaten) { b.Cancels = nil })},
	"cancels without a wake":     {did: func(r *Reference, verb string) { drop(r, verb == "Cancel") }},
	"enqueues without a wake":    {did: func(r *Reference, verb string) { drop(r, verb == "Enqueue") }},
	"promotes without saying so": {answered: spoiled(func(p *store.Promoted) { p.Count = 0 })},
	"counts a job twice": {answered: spoiled(func(c *store.Counted) {
		for i := range c.Groups[:min(1, len(c.Groups))] {
			c.Groups[i].Jobs++
		}
	})},
	"forgets where a count goes on": {answered: spoiled(func(c *store.Counted) { c.Next = 0 })},
	"forgets when to promote":       {answered: spoiled(func(p *store.Promoted) { p.Next = time.Time{} })},
	"a retried job keeps its past": {did: eachAfter("Retry", func(_ *Reference, k *kept) {
		if k.job.Status == store.Pending {
			k.counted += len(k.attempts)
		}
	})},
	"verdicts in another order":   {answered: func(out any) { reverse[store.Verdict](out) }},
	"lists oldest first":          {answered: func(out any) { reverse[store.Job](out) }},
	"a filter ignores the tag":    {given: spoil(func(_ *Reference, f *store.Filter) { f.Tag = "" })},
	"a filter ignores the status": {given: spoil(func(_ *Reference, f *store.Filter) { f.Status = nil })},
	"a filter ignores the cause":  {given: spoil(func(_ *Reference, f *store.Filter) { f.Cause = 0 })},
	"a filter ignores times":      {given: spoil(func(_ *Reference, f *store.Filter) { f.FinishedBefore = time.Time{} })},
	"pages repeat a job":          {given: spoil(func(_ *Reference, f *store.Filter) { f.Before += min(1, f.Before) })},
	"the revision stands still":   {answered: spoiled(func(revision *string) { *revision = "1" })},
	"counts the pending twice": {answered: spoiled(func(s *store.Stats) {
		if s.Counts != nil {
			s.Counts[store.Pending] *= 2
		}
	})},
	"takes reports of anybody": {given: spoil(func(r *Reference, report *store.Report) {
		if k := r.jobs[report.JobID]; k != nil {
			report.Token = k.job.Token
		}
	})},
	"saves steps of anybody": {given: spoil(func(r *Reference, s *savedSteps) {
		if k := r.jobs[s.jobID]; k != nil {
			s.token = k.job.Token
		}
	})},
	"loses results of steps": {given: spoil(func(_ *Reference, s *savedSteps) {
		for i := range s.steps {
			s.steps[i].Result = nil
		}
	})},
	"gives ids of deleted jobs again": {did: idsAgain("Delete")},
	"gives ids of pruned jobs again":  {did: idsAgain("Prune")},
	"a retry loses steps":             {did: eachAfter("Retry", func(_ *Reference, k *kept) { k.steps = nil })},
	"a retry after progress counts":   {given: spoil(func(_ *Reference, o *store.Outcome) { o.Progressed = false })},
	"an import loses causes":          {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Cause = 0 })},
	"an import loses steps":           {given: spoil(func(_ *Reference, r *store.Record) { r.Steps = nil })},
	"logs are never cut":              {given: spoil(func(_ *Reference, report *store.Report) { report.CutLog = false })},
	"loses reported metadata":         {given: spoil(func(_ *Reference, report *store.Report) { report.Metadata = nil })},
	"loses reported tags":             {given: spoil(func(_ *Reference, report *store.Report) { report.Tags = nil })},
	"adds reported tags": {given: spoil(func(r *Reference, report *store.Report) {
		if k := r.jobs[report.JobID]; k != nil && report.Tags != nil {
			report.Tags = append(slices.Clone(k.job.Tags), report.Tags...)
		}
	})},
	"a tick minds no keys": {given: spoil(func(_ *Reference, t *store.Tick) {
		for i := range t.Jobs {
			if o := t.Jobs[i].Job.Options; o != nil {
				without := *o
				without.Unique = nil
				t.Jobs[i].Job.Options = &without
			}
		}
	})},
	"drops log lines": {given: spoil(func(_ *Reference, report *store.Report) { report.Lines = nil })},
	"exports without places": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) { r.Position = r.Job.ID })
	}},
	"exports without stacks": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) {
			for i := range r.Attempts {
				r.Attempts[i].Stack = ""
			}
		})
	}},
	"exports without what rules counted": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) {
			for i := range r.Attempts {
				r.Attempts[i].RuleRetries = nil
			}
		})
	}},
	"counts of rules outlive a person's retry": {answered: func(out any) {
		jobs, _ := out.([]store.Job)
		for i := range jobs {
			if jobs[i].Status == store.Running && jobs[i].Attempt == 1 && jobs[i].ProcessID != 0 {
				jobs[i].RuleRetries = map[string]int{"busy": 1}
			}
		}
	}},
	"exports without the reason of a cancel request": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) { r.CancelReason = "" })
	}},
	"exports the last first":         {answered: func(out any) { reverse[store.Record](out) }},
	"imports to the end of the line": {given: spoil(func(_ *Reference, r *store.Record) { r.Position = 0 })},
	"an import burns an attempt": {given: spoil(func(_ *Reference, r *store.Record) {
		if r.Job.Status == store.Running {
			r.Job.Attempt++
		}
	})},
	"an import ignores a cancel request":    {given: spoil(func(_ *Reference, r *store.Record) { r.Job.CancelRequested = false })},
	"an import loses logs":                  {given: spoil(func(_ *Reference, r *store.Record) { r.Log = nil })},
	"an import loses progress":              {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Progress = store.Progress{} })},
	"an import forgets crashes":             {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Crashes = 0 })},
	"an import overwrites":                  {given: spoil(func(r *Reference, record *store.Record) { delete(r.jobs, record.Job.ID) })},
	"an import stores what nobody can keep": {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Status = possible(r.Job.Status) })},
	"ids are given out again after an import": {did: func(r *Reference, verb string) {
		if verb == "Import" {
			r.last = 0
		}
	}},
	"places are set back by an import":          {given: spoil(func(r *Reference, record *store.Record) { r.last = min(r.last, record.Job.ID) })},
	"a schedule is saved whatever its revision": {given: spoil(func(r *Reference, s *store.Schedule) { s.Revision = r.schedules[s.Name].Revision })},
	"a tick counts whatever its revision": {given: spoil(func(r *Reference, t *store.Tick) {
		t.Schedule.Revision = r.schedules[t.Schedule.Name].Revision
	})},
	"an instant may have two jobs": {did: func(r *Reference, verb string) { clear(r.ticks) }},
	"a schedule loses its code":    {given: spoil(func(_ *Reference, s *store.Schedule) { s.Code = store.ScheduleCode{} })},
	"a schedule loses its zone":    {given: spoil(func(_ *Reference, s *store.Schedule) { s.Definition.Zone = "" })},
	"a tick loses the options of its job": {given: spoil(func(_ *Reference, t *store.Tick) {
		t.Jobs = slices.Clone(t.Jobs)
		for i := range t.Jobs {
			t.Jobs[i].Job.Options = nil
		}
	})},
	"a tick does not move the schedule": {given: spoil(func(r *Reference, t *store.Tick) {
		s := r.schedules[t.Schedule.Name]
		s.Revision = t.Schedule.Revision
		t.Schedule = s
	})},
	"the due ones include those of later": {given: spoil(func(_ *Reference, f *store.ScheduleFilter) {
		if !f.DueBy.IsZero() {
			f.DueBy = f.DueBy.Add(time.Microsecond)
		}
	})},
	"arrivals of too long ago": {answered: func(out any) {
		if a, ok := out.(*store.Arrivals); ok {
			a.Queues["a"]++
		}
	}},
	"schedules come in any order":               {answered: func(out any) { reverse[store.Schedule](out) }},
	"an operation catches jobs that come later": {did: eachOperation("AddOperation", func(_ *Reference, o *operated) { o.Cursor = 1 << 62 })},
	"an operation does not know its jobs":       {did: eachOperation("StepOperation", func(_ *Reference, o *operated) { clear(o.jobs) })},
	"an operation forgets what jobs were":       {did: eachOperation("StepOperation", func(_ *Reference, o *operated) { o.steps = nil })},
	"a cancelled operation goes on": {given: spoil(func(r *Reference, s *operationStep) {
		if o, err := r.operation(s.id); err == nil && o.State == store.OperationCancelled {
			o.State = store.OperationRunning
		}
	})},
	"an undo takes back what others did": {given: spoil(func(r *Reference, s *operationStep) {
		o, err := r.operation(s.id)
		for i := 0; err == nil && o.State == store.OperationUndoing && i < len(o.steps); i++ {
			for j, image := range o.steps[i] {
				if k := r.jobs[image.Before.Job.ID]; k != nil {
					is := r.record(k)
					o.steps[i][j].After = is.Fingerprint()
				}
			}
		}
	})},
	"the audit does not count on": {did: eachOperation("StepOperation", func(r *Reference, _ *operated) {
		for i := range r.audit {
			r.audit[i].Jobs = 0
		}
	})},
	"the audit forgets who it was": {did: func(r *Reference, _ string) {
		for i := range r.audit {
			r.audit[i].Person = ""
		}
	}},
	"imports without a wake": {did: func(r *Reference, verb string) { drop(r, verb == "Import") }},
}

// eachRecord changes the records that Export returns.
func eachRecord(out any, change func(*store.Record)) {
	if records, ok := out.([]store.Record); ok {
		for i := range records {
			change(&records[i])
		}
	}
}

func possible(status store.JobStatus) store.JobStatus {
	if !slices.Contains(reachable, status) {
		return store.Pending
	}
	return status
}

func spoiled[T any](change func(*T)) func(any) {
	return func(out any) {
		if value, ok := out.(*T); ok {
			change(value)
		}
	}
}

func reverse[T any](out any) {
	if values, ok := out.([]T); ok {
		slices.Reverse(values)
	}
}

// drop takes away the wakes that nobody has read yet.
func drop(r *Reference, when bool) {
	for channel := range r.listeners {
		if when {
			select {
			case <-channel:
			default:
			}
		}
	}
}

// idsAgain is a hook that counts on from the newest job that is left.
func idsAgain(verb string) func(*Reference, string) {
	return func(r *Reference, did string) {
		if did == verb {
			r.last = 0
			for id, k := range r.jobs {
				r.last = max(r.last, id, k.position)
			}
		}
	}
}
