package storetest

import (
	"encoding/json"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

var scheduleChecks = []check{
	{"a schedule comes back as it was saved", scheduleFidelity},
	{"revision 0 means that there is none yet", func(t *trial) {
		t.equal("saved", t.save(aSchedule("nightly")), []bool{true})
		other := aSchedule("nightly")
		other.Definition.Rule = "@hourly"
		t.equal("saved again", t.save(other), []bool{false})
		t.equal("rule", t.schedule("nightly").Definition.Rule, aSchedule("").Definition.Rule)
	}},
	{"of two that change a schedule at once the second one fails", func(t *trial) {
		t.save(aSchedule("nightly"))
		one, two := t.schedule("nightly"), t.schedule("nightly")
		one.PauseReason, two.PauseReason = "first", "second"
		t.equal("saved", append(t.save(one), t.save(two)...), []bool{true, false})
		t.equal("reason", t.schedule("nightly").PauseReason, "first")
	}},
	{"one that fails does not keep others from being saved", func(t *trial) {
		t.save(aSchedule("b"))
		t.equal("saved", t.save(aSchedule("a"), aSchedule("b"), aSchedule("c")), []bool{true, false, true})
	}},
	{"a schedule that does not exist cannot be changed", func(t *trial) {
		gone := aSchedule("nightly")
		gone.Revision = 3
		t.equal("saved", t.save(gone), []bool{false})
	}},
	{"schedules come by name, all or the named ones", func(t *trial) {
		t.save(aSchedule("b"), aSchedule("ä"), aSchedule("a"), aSchedule("B"))
		t.equal("all", t.scheduleNames(store.ScheduleFilter{}), []string{"B", "a", "b", "ä"})
		t.equal("named", t.scheduleNames(store.ScheduleFilter{Names: []string{"b", "a", "none"}}), []string{"a", "b"})
		t.equal("none", len(t.scheduleNames(store.ScheduleFilter{Names: []string{}})), 0)
	}},
	{"due are those whose time has come and that are not paused", func(t *trial) {
		due, later, never, paused := aSchedule("due"), aSchedule("later"), aSchedule("never"), aSchedule("paused")
		later.DueAt, never.DueAt, paused.PausedAt = dueAt.Add(time.Microsecond), time.Time{}, enqueuedAt
		t.save(due, later, never, paused)
		t.equal("due", t.scheduleNames(store.ScheduleFilter{DueBy: dueAt}), []string{"due"})
		t.equal("due before", len(t.scheduleNames(store.ScheduleFilter{DueBy: dueAt.Add(-time.Microsecond)})), 0)
		t.equal("due later", t.scheduleNames(store.ScheduleFilter{DueBy: later.DueAt}), []string{"due", "later"})
	}},
	{"a deleted schedule begins anew", func(t *trial) {
		t.save(aSchedule("nightly"), aSchedule("other"))
		t.tick(t.schedule("nightly"), dueAt)
		deleted, err := t.store.DeleteSchedules(t.Context(), []string{"nightly", "none"}, nil)
		t.must("DeleteSchedules", err)
		t.equal("deleted", deleted, 1)
		t.equal("left", t.scheduleNames(store.ScheduleFilter{}), []string{"other"})
		t.equal("saved", t.save(aSchedule("nightly")), []bool{true})
		t.equal("jobs of the same instant", len(t.tick(t.schedule("nightly"), dueAt).Jobs), 1)
	}},
}

var tickChecks = []check{
	{"a tick enqueues its job and moves the schedule", func(t *trial) {
		t.save(aSchedule("nightly"))
		ticked := t.tick(t.schedule("nightly"), dueAt)
		t.equal("accepted", ticked.Accepted, true)
		t.equal("jobs", len(ticked.Jobs), 1)
		job := t.get(ticked.Jobs[0])
		t.equal("status", job.Status, store.Pending)
		t.equal("options", job.Options, &store.Options{Schedule: "nightly", Tick: dueAt})
		after := t.schedule("nightly")
		t.equal("last job", after.LastJob, job.ID)
		t.equal("last tick", after.LastTick, dueAt)
		t.equal("next tick", after.NextTick, dueAt.AddDate(0, 0, 1))
		t.equal("claimed", idsOf(t.claim(store.Demand{Limit: 9})), []int64{job.ID})
	}},
	{"several jobs of a tick come in order, and the last one is noted", func(t *trial) {
		t.save(aSchedule("nightly"))
		ticked := t.tick(t.schedule("nightly"), dueAt, dueAt.Add(time.Hour), dueAt.Add(2*time.Hour))
		t.equal("jobs", len(ticked.Jobs), 3)
		t.equal("rising", ticked.Jobs[0] < ticked.Jobs[1] && ticked.Jobs[1] < ticked.Jobs[2], true)
		t.equal("last job", t.schedule("nightly").LastJob, ticked.Jobs[2])
	}},
	{"a tick without jobs moves the schedule", func(t *trial) {
		s := aSchedule("nightly")
		s.LastJob = 77
		t.save(s)
		t.equal("ticked", t.tick(t.schedule("nightly")), store.Ticked{Accepted: true, Answers: []store.Enqueued{}})
		t.equal("last job", t.schedule("nightly").LastJob, int64(77))
	}},
	{"whoever has slept over a tick changes nothing", func(t *trial) {
		t.save(aSchedule("nightly"))
		old := t.schedule("nightly")
		t.tick(t.schedule("nightly"), dueAt)
		before := t.schedule("nightly")
		t.equal("ticked late", t.tick(old, dueAt), store.Ticked{})
		t.equal("ticked late, another instant", t.tick(old, dueAt.Add(time.Hour)), store.Ticked{})
		t.equal("schedule", t.schedule("nightly"), before)
		t.equal("jobs", len(t.list(store.Filter{})), 1)
	}},
	{"an instant has one job even if the schedule is set back", func(t *trial) {
		t.save(aSchedule("nightly"), aSchedule("other"))
		t.tick(t.schedule("nightly"), dueAt)
		t.equal("again", t.tick(t.schedule("nightly"), dueAt), store.Ticked{Accepted: true, Answers: make([]store.Enqueued, 1)})
		t.equal("again, and one more", len(t.tick(t.schedule("nightly"), dueAt, dueAt.Add(1*time.Hour)).Jobs), 1)
		t.equal("of another schedule", len(t.tick(t.schedule("other"), dueAt).Jobs), 1)
	}},
	{"a job of no instant is always enqueued", func(t *trial) {
		t.save(aSchedule("nightly"))
		for range 2 {
			t.equal("jobs", len(t.tick(t.schedule("nightly"), time.Time{}).Jobs), 1)
		}
	}},
	{"a paused, changed or deleted schedule does not tick", func(t *trial) {
		t.save(aSchedule("paused"), aSchedule("deleted"))
		paused, deleted := t.schedule("paused"), t.schedule("deleted")
		changed := paused
		changed.PausedAt = enqueuedAt
		t.save(changed)
		_, err := t.store.DeleteSchedules(t.Context(), []string{"deleted"}, nil)
		t.must("DeleteSchedules", err)
		t.equal("paused", t.tick(paused, dueAt), store.Ticked{})
		t.equal("deleted", t.tick(deleted, dueAt), store.Ticked{})
		t.equal("jobs", len(t.list(store.Filter{})), 0)
	}},
	{"one of several steps may be refused", func(t *trial) {
		t.save(aSchedule("a"), aSchedule("b"))
		old := t.schedule("a")
		t.tick(t.schedule("a"), dueAt)
		ticked, err := t.store.Tick(t.Context(), []store.Tick{stepOf(old, dueAt), stepOf(t.schedule("b"), dueAt)}, dueAt, nil)
		t.must("Tick", err)
		t.equal("accepted", []bool{ticked[0].Accepted, ticked[1].Accepted}, []bool{false, true})
		t.equal("jobs", len(ticked[1].Jobs), 1)
	}},
	{"a job for later waits", func(t *trial) {
		s := aSchedule("nightly")
		s.Definition.Job.RunAt = dueAt.AddDate(1, 0, 0)
		t.save(s)
		t.equal("status", t.get(t.tick(t.schedule("nightly"), dueAt).Jobs[0]).Status, store.Scheduled)
	}},
	{"a job of a tick meets the holder of its key", tickKeeps},
	{"a job of a tick replaces the holder of its key", tickReplaces},
	{"a job of a tick that must not meet a holder is left away", tickFails},
	{"a job of a tick takes its key, and others meet it", tickTakesKey},
	{"processes that tick at once enqueue one job for each instant", ticksAtOnce},
	{"instants of long ago are forgotten, those of late are not", func(t *trial) {
		t.save(aSchedule("often"))
		for i := range 3 {
			var at []time.Time
			for n := range 600 {
				at = append(at, dueAt.Add(time.Duration(600*i+n)*time.Second))
			}
			t.equal("jobs", len(t.tick(t.schedule("often"), at...).Jobs), 600)
		}
		t.equal("of late", len(t.tick(t.schedule("often"), dueAt.Add(1799*time.Second), dueAt.Add(1300*time.Second)).Jobs), 0)
	}},
}

// aSchedule is due at dueAt.
func aSchedule(name string) store.Schedule {
	return store.Schedule{
		Name: name, Definition: store.ScheduleDefinition{Rule: "0 1 * * *", Zone: "UTC", Job: plain()},
		NextTick: dueAt, DueAt: dueAt, SavedAt: enqueuedAt,
	}
}

// stepOf is the step of a schedule that enqueues a job for each instant.
func stepOf(s store.Schedule, instants ...time.Time) store.Tick {
	s.LastTick, s.NextTick, s.DueAt = dueAt, dueAt.AddDate(0, 0, 1), dueAt.AddDate(0, 0, 1)
	step := store.Tick{Schedule: s}
	for _, at := range instants {
		job := s.Definition.Job
		job.Options = &store.Options{Schedule: s.Name, Tick: at}
		step.Jobs = append(step.Jobs, store.TickJob{At: at, Job: job})
	}
	return step
}

func (t *trial) tick(s store.Schedule, instants ...time.Time) store.Ticked {
	t.Helper()
	ticked, err := t.store.Tick(t.Context(), []store.Tick{stepOf(s, instants...)}, dueAt, nil)
	t.must("Tick", err)
	if len(ticked) != 1 {
		t.Fatalf("Tick of one step answered %d times", len(ticked))
	}
	return ticked[0]
}

func (t *trial) save(schedules ...store.Schedule) []bool {
	t.Helper()
	saved, err := t.store.SaveSchedules(t.Context(), schedules, enqueuedAt, nil)
	t.must("SaveSchedules", err)
	return saved
}

func (t *trial) schedule(name string) store.Schedule {
	t.Helper()
	found, err := t.store.Schedules(t.Context(), store.ScheduleFilter{Names: []string{name}})
	t.must("Schedules", err)
	if len(found) != 1 {
		t.Fatalf("there are %d schedules named %q", len(found), name)
	}
	return found[0]
}

func (t *trial) scheduleNames(f store.ScheduleFilter) (names []string) {
	t.Helper()
	found, err := t.store.Schedules(t.Context(), f)
	t.must("Schedules", err)
	for _, s := range found {
		names = append(names, s.Name)
	}
	return names
}

func scheduleFidelity(t *trial) {
	full := store.Schedule{
		Name: `all "of" it, ümläut 🕑`,
		Definition: store.ScheduleDefinition{
			Rule: "*/5 0 1 JAN MON#1", Zone: "Europe/Berlin", Start: at(time.Microsecond), Missed: store.CatchUpMost, CatchUp: 7,
			SkipIfRunning: true, Jitter: 90 * time.Second,
			Job: store.NewJob{
				Type: "Ünï", Queue: "q", Priority: math.MinInt16, Args: json.RawMessage(`{"a":"` + strings.Repeat("<ü>", 2000) + `"}`),
				Metadata: json.RawMessage(`{"m":[1,2.50]}`), UserID: "u", TargetID: "t", Tags: []string{"x", "y z"},
				MaxRetries: 5, Timeout: time.Hour, RunAt: at(time.Hour), NotifyInTx: true, Options: &store.Options{StartBy: at(0)},
			},
		},
		Code:     store.ScheduleCode{Hash: "h", Past: []string{"p"}, Definers: map[int64]string{1 << 61: "h", 2: "p"}, Edited: true},
		NextTick: at(1), DueAt: at(time.Second), LastTick: at(2 * time.Second), LastJob: 1 << 40,
		PausedAt: at(3 * time.Second), PauseReason: `because "so"`, SavedAt: at(4 * time.Second),
	}
	full.NextTick = at(time.Millisecond)
	bare := store.Schedule{Name: "bare", Definition: store.ScheduleDefinition{Job: plain()}}
	t.save(full, bare)
	for _, want := range []store.Schedule{full, bare} {
		got := t.schedule(want.Name)
		want.Revision = 1
		t.equal("schedule", got, want)
		got.PauseReason = "changed"
		t.equal("saved", t.save(got), []bool{true})
		got.Revision = 2
		changed := t.schedule(want.Name)
		t.equal("changed", changed, got)
	}
}

// ticksAtOnce: each of several processes reads and ticks until the instants are dealt
// with.
func ticksAtOnce(t *trial) {
	const processes, instants = 4, 10
	t.save(aSchedule("busy"))
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			for {
				found, err := t.store.Schedules(t.Context(), store.ScheduleFilter{Names: []string{"busy"}})
				if err != nil || len(found) != 1 || found[0].NextTick.Sub(dueAt) >= instants*time.Minute {
					if err != nil {
						t.Errorf("Schedules: %v", err)
					}
					return
				}
				step := stepOf(found[0], found[0].NextTick)
				step.Schedule.NextTick = found[0].NextTick.Add(time.Minute)
				if _, err := t.store.Tick(t.Context(), []store.Tick{step}, dueAt, nil); err != nil {
					t.Errorf("Tick: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	seen := map[time.Time]int{}
	for _, id := range t.list(store.Filter{}) {
		if options := t.get(id).Options; options != nil {
			seen[options.Tick.UTC()]++
		}
	}
	t.equal("instants", len(seen), instants)
	for at, jobs := range seen {
		t.equal("jobs of "+at.String(), jobs, 1)
	}
}
