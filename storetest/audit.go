package storetest

import (
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var auditChecks = []check{
	{"every verb of control is noted with the jobs that it changed", auditVerbs},
	{"what has changed nothing is not noted", auditNothing},
	{"whoever gives no entry is not noted", auditNobody},
	{"an entry comes back as it was given", auditFidelity},
	{"filters and pages", auditFilters},
	{"the entries of a job", auditOfJob},
	{"a change of many jobs has one entry", auditMany},
	{"the queue shows who paused it", auditPausedBy},
	{"entries are pruned when their time is over", auditPruned},
}

// by is the entry of somebody's change.
func by(action, kind, target string) *store.AuditEntry {
	return &store.AuditEntry{Person: "ana", Source: store.FromDashboard, Action: action, Kind: kind, Target: target, At: claimedAt}
}

func (t *trial) audit(f store.AuditFilter) []store.AuditEntry {
	t.Helper()
	entries, err := t.store.Audit(t.Context(), f)
	t.must("Audit", err)
	return entries
}

// actions are what was done, newest first, with the number of jobs.
func actions(entries []store.AuditEntry) []any {
	list := []any{}
	for _, e := range entries {
		list = append(list, e.Action, int(e.Jobs))
	}
	return list
}

// everyVerb changes something by each verb of control.
func (t *trial) everyVerb(entry func(action, kind, target string) *store.AuditEntry) (jobs []int64) {
	t.Helper()
	s, ctx, now := t.store, t.Context(), at(3*time.Minute)
	jobs = t.enqueue(many(3, plain())...)
	must := func(verb string, changed bool, err error) {
		t.Helper()
		if t.must(verb, err); !changed {
			t.Fatalf("%s changed nothing", verb)
		}
	}
	ids, err := s.Reschedule(ctx, one(jobs[0]), dueAt, now, entry("reschedule", "job", "1"))
	must("Reschedule", len(ids) == 1, err)
	ids, err = s.Cancel(ctx, store.Filter{IDs: jobs}, "why", now, entry("cancel", "jobs", "all"))
	must("Cancel", len(ids) == 3, err)
	ids, err = s.Retry(ctx, store.Filter{IDs: jobs[:2]}, now, entry("retry", "jobs", "two"))
	must("Retry", len(ids) == 2, err)
	ids, err = s.Delete(ctx, one(jobs[2]), entry("delete", "job", "3"))
	must("Delete", len(ids) == 1, err)
	must("Pause", true, s.Pause(ctx, "default", "", now, entry("pause", "queue", "default")))
	must("Resume", true, s.Resume(ctx, "default", entry("resume", "queue", "default")))
	saved, err := s.SaveSchedules(ctx, []store.Schedule{aSchedule("nightly")}, now, entry("save", "schedule", "nightly"))
	must("SaveSchedules", len(saved) == 1 && saved[0], err)
	ticked, err := s.Tick(ctx, []store.Tick{{Schedule: t.schedule("nightly"), Jobs: []store.TickJob{{Job: plain()}}}}, now, entry("run", "schedule", "nightly"))
	must("Tick", len(ticked) == 1 && ticked[0].Accepted, err)
	deleted, err := s.DeleteSchedules(ctx, []string{"nightly"}, entry("delete", "schedule", "nightly"))
	must("DeleteSchedules", deleted == 1, err)
	return append(jobs, ticked[0].Jobs...)
}

func auditVerbs(t *trial) {
	t.everyVerb(by)
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{
		"delete", 0, "run", 1, "save", 0, "resume", 0, "pause", 0, "delete", 1, "retry", 2, "cancel", 3, "reschedule", 1,
	})
}

func auditNobody(t *trial) {
	t.everyVerb(func(string, string, string) *store.AuditEntry { return nil })
	t.equal("audit", len(t.audit(store.AuditFilter{})), 0)
}

func auditNothing(t *trial) {
	s, ctx, now := t.store, t.Context(), at(3*time.Minute)
	id := t.enqueue(plain())[0]
	for verb, err := range map[string]error{
		"Cancel":          errorOf(s.Cancel(ctx, one(404), "", now, by("cancel", "job", "404"))),
		"Retry":           errorOf(s.Retry(ctx, one(id), now, by("retry", "job", "1"))),
		"Reschedule":      errorOf(s.Reschedule(ctx, one(404), now, now, by("reschedule", "job", "404"))),
		"Delete":          errorOf(s.Delete(ctx, one(404), by("delete", "job", "404"))),
		"Resume":          s.Resume(ctx, "default", by("resume", "queue", "default")),
		"SaveSchedules":   errorOf(s.SaveSchedules(ctx, []store.Schedule{{Name: "x", Revision: 7}}, now, by("save", "schedule", "x"))),
		"Tick":            errorOf(s.Tick(ctx, []store.Tick{{Schedule: store.Schedule{Name: "x", Revision: 7}, Jobs: []store.TickJob{{Job: plain()}}}}, now, by("run", "schedule", "x"))),
		"DeleteSchedules": errorOf(s.DeleteSchedules(ctx, []string{"x"}, by("delete", "schedule", "x"))),
	} {
		t.must(verb, err)
	}
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{})
}

func errorOf[T any](_ T, err error) error { return err }

func auditFidelity(t *trial) {
	id := t.enqueue(plain())[0]
	want := store.AuditEntry{
		At: at(time.Hour + time.Microsecond), Person: `ana "<b>' \ ä`, Source: store.FromCLI, Action: "cancel", Kind: "job",
		Target: strings.Repeat("a long query ", 300), Reason: "because\nof it", Before: "then", After: "now",
	}
	_, err := t.store.Cancel(t.Context(), one(id), "why", claimedAt, &want)
	t.must("Cancel", err)
	got := t.audit(store.AuditFilter{Kind: "job", Target: want.Target})
	t.equal("entries", len(got), 1)
	if got[0].ID == 0 {
		t.Fatalf("the entry has no id")
	}
	want.ID, want.Jobs = got[0].ID, 1
	t.equal("entry", got[0], want)
}

func auditFilters(t *trial) {
	jobs := t.enqueue(many(4, plain())...)
	for i, e := range []store.AuditEntry{
		{Person: "ana", Source: store.FromCLI, Action: "cancel", Kind: "job", Target: "1"},
		{Person: "bo", Source: store.FromCLI, Action: "cancel", Kind: "job", Target: "2"},
		{Person: "ana", Source: store.FromDashboard, Action: "stop", Kind: "jobs", Target: "2"},
		{Person: "ana", Source: store.FromAPI, Action: "cancel", Kind: "jobs", Target: "1"},
	} {
		_, err := t.store.Cancel(t.Context(), one(jobs[i]), "", claimedAt, &e)
		t.must("Cancel", err)
	}
	all := t.audit(store.AuditFilter{})
	t.equal("entries", len(all), 4)
	for _, test := range []struct {
		filter store.AuditFilter
		want   []int // places in all
	}{
		{store.AuditFilter{Person: "ana"}, []int{0, 1, 3}},
		{store.AuditFilter{Source: store.FromCLI}, []int{2, 3}},
		{store.AuditFilter{Action: "cancel", Person: "ana"}, []int{0, 3}},
		{store.AuditFilter{Kind: "jobs", Target: "2"}, []int{1}},
		{store.AuditFilter{Target: "2"}, []int{1, 2}},
		{store.AuditFilter{Job: jobs[1]}, []int{2}},
		{store.AuditFilter{Limit: 2}, []int{0, 1}},
		{store.AuditFilter{Limit: 2, Before: all[1].ID}, []int{2, 3}},
		{store.AuditFilter{Person: "an\x00a"}, nil},
		{store.AuditFilter{Person: "\xff"}, nil},
	} {
		want := []store.AuditEntry{}
		for _, i := range test.want {
			want = append(want, all[i])
		}
		t.equal("entries", append([]store.AuditEntry{}, t.audit(test.filter)...), want)
	}
}

func auditOfJob(t *trial) {
	jobs := t.everyVerb(by)
	t.equal("audit of the first job", actions(t.audit(store.AuditFilter{Job: jobs[0]})), []any{"retry", 2, "cancel", 3, "reschedule", 1})
	t.equal("audit of the deleted job", actions(t.audit(store.AuditFilter{Job: jobs[2]})), []any{"delete", 1, "cancel", 3})
	t.equal("audit of the schedule's job", actions(t.audit(store.AuditFilter{Job: jobs[3]})), []any{"run", 1})
}

// auditMany needs more jobs than a store changes in one transaction.
func auditMany(t *trial) {
	const jobs = 4500
	ids := t.enqueue(many(jobs, plain())...)
	_, err := t.store.Cancel(t.Context(), store.Filter{}, "", claimedAt, by("cancel", "jobs", ""))
	t.must("Cancel", err)
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{"cancel", jobs})
	named := 0
	for _, id := range []int64{ids[0], ids[jobs/2], ids[jobs-1]} {
		named += len(t.audit(store.AuditFilter{Job: id}))
	}
	if named > 1 {
		t.Errorf("the entry names %d of three jobs far apart: no more than %d are to be kept", named, store.AuditedJobs)
	}
}

func auditPausedBy(t *trial) {
	t.must("Pause", t.store.Pause(t.Context(), "a", "why", claimedAt, by("pause", "queue", "a")))
	t.equal("who paused", t.queueStats("a").PausedBy, "ana")
	t.pause("a")
	t.equal("who paused", t.queueStats("a").PausedBy, "")
}

func auditPruned(t *trial) {
	id := t.enqueue(plain())[0]
	for i := range 3 {
		entry := by("pause", "queue", "a")
		entry.At = at(time.Duration(i) * day)
		t.must("Pause", t.store.Pause(t.Context(), "a", "", entry.At, entry))
	}
	old := by("reschedule", "job", "1")
	old.At = at(0)
	_, err := t.store.Reschedule(t.Context(), one(id), at(200*day), at(0), old)
	t.must("Reschedule", err)
	t.pruneAll(keepAll(day), 10, at(store.AuditKept+day))
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{"pause", 0, "pause", 0})
	t.equal("audit of the job", len(t.audit(store.AuditFilter{Job: id})), 0)
	t.status(id, store.Scheduled)
}
