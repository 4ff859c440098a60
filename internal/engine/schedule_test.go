package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/cron"
	"github.com/laterjobs/later/store"
)

// TestReconcile: which definition counts, of programs of several versions.
func TestReconcile(t *testing.T) {
	define := func(rule string) defined {
		d := store.ScheduleDefinition{Rule: rule, Job: store.NewJob{Type: "Mail"}}
		return defined{d, hashOf(d)}
	}
	a, b, c := define("@daily"), define("@hourly"), define("@weekly")
	for _, test := range []struct {
		name      string
		stored    store.ScheduleCode
		revision  int64
		own       defined
		alive     []int64
		takesOver bool
		changes   bool
	}{
		{"the first", store.ScheduleCode{}, 0, a, nil, true, true},
		{"the same, another process", store.ScheduleCode{Hash: a.hash, Definers: map[int64]string{2: a.hash}}, 1, a, []int64{2}, false, true},
		{"the same, the same process", store.ScheduleCode{Hash: a.hash, Definers: map[int64]string{1: a.hash}}, 1, a, nil, false, false},
		{"a new one", store.ScheduleCode{Hash: a.hash, Definers: map[int64]string{2: a.hash}}, 1, b, []int64{2}, true, true},
		{"an old one beside a new one", store.ScheduleCode{Hash: b.hash, Past: []string{a.hash}, Definers: map[int64]string{2: b.hash}}, 1, a, []int64{2}, false, true},
		{"an old one, the new one's process is dead", store.ScheduleCode{Hash: b.hash, Past: []string{a.hash}, Definers: map[int64]string{2: b.hash}}, 1, a, nil, true, true},
		{"an old one, the others that live are old, too", store.ScheduleCode{Hash: b.hash, Past: []string{a.hash}, Definers: map[int64]string{2: b.hash, 3: a.hash}}, 1, a, []int64{3}, true, true},
		{"the third beside the second", store.ScheduleCode{Hash: b.hash, Past: []string{a.hash}, Definers: map[int64]string{2: b.hash}}, 1, c, []int64{2}, true, true},
		{"one that people have saved", store.ScheduleCode{}, 4, a, nil, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
			s := store.Schedule{Name: "x", Revision: test.revision, Code: test.stored}
			alive := func(id int64) bool { return slices.Contains(test.alive, id) }
			got, changes, err := reconcile(s, test.own, 1, alive, now)
			if err != nil || changes != test.changes || (got.Definition.Rule != "") != test.takesOver {
				t.Fatalf("changes %v, becomes %+v, %v", changes, got, err)
			}
			if got.Code.Definers[1] != test.own.hash || slices.Contains(got.Code.Past, got.Code.Hash) {
				t.Errorf("code: %+v", got.Code)
			}
			got.Revision++
			if again, changes, _ := reconcile(got, test.own, 1, alive, now); changes {
				t.Errorf("again it becomes %+v", again)
			}
		})
	}
}

func TestStep(t *testing.T) {
	start := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	at := func(hour, minute int) time.Time { return start.Add(time.Duration(60*hour+minute) * time.Minute) }
	for _, test := range []struct {
		name   string
		d      store.ScheduleDefinition
		now    time.Time
		runs   bool
		due    []time.Time
		next   time.Time
		dueAt  time.Time
		latest time.Time
	}{
		{"on time", store.ScheduleDefinition{}, at(1, 0), false, []time.Time{at(1, 0)}, at(2, 0), at(2, 0), at(1, 0)},
		{"missed", store.ScheduleDefinition{}, at(5, 30), false, []time.Time{at(5, 0)}, at(6, 0), at(6, 0), at(5, 0)},
		{"missed, skip", store.ScheduleDefinition{Missed: store.SkipMissed}, at(5, 30), false, nil, at(6, 0), at(6, 0), at(5, 0)},
		{"just on time, skip", store.ScheduleDefinition{Missed: store.SkipMissed}, at(5, 1), false, []time.Time{at(5, 0)}, at(6, 0), at(6, 0), at(5, 0)},
		{"missed, catch up", store.ScheduleDefinition{Missed: store.CatchUpMost, CatchUp: 2}, at(5, 30), false, []time.Time{at(4, 0), at(5, 0)}, at(6, 0), at(6, 0), at(5, 0)},
		{"missed, catch up all", store.ScheduleDefinition{Missed: store.CatchUpMost, CatchUp: 99}, at(3, 30), false, []time.Time{at(1, 0), at(2, 0), at(3, 0)}, at(4, 0), at(4, 0), at(3, 0)},
		{"still running", store.ScheduleDefinition{SkipIfRunning: true}, at(1, 0), true, nil, at(2, 0), at(2, 0), at(1, 0)},
		{"running no more", store.ScheduleDefinition{SkipIfRunning: true, Missed: store.CatchUpMost, CatchUp: 9}, at(3, 0), false, []time.Time{at(3, 0)}, at(4, 0), at(4, 0), at(3, 0)},
		{"running is allowed", store.ScheduleDefinition{}, at(1, 0), true, []time.Time{at(1, 0)}, at(2, 0), at(2, 0), at(1, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.d.Rule = "@hourly"
			s := store.Schedule{Name: "x", Definition: test.d, NextTick: at(1, 0), DueAt: at(1, 0)}
			got, err := step(s, test.now, test.runs)
			if err != nil {
				t.Fatal(err)
			}
			var due []time.Time
			for _, job := range got.Jobs {
				due = append(due, job.At)
			}
			if !slices.EqualFunc(due, test.due, time.Time.Equal) || !got.Schedule.NextTick.Equal(test.next) ||
				!got.Schedule.DueAt.Equal(test.dueAt) || !got.Schedule.LastTick.Equal(test.latest) {
				t.Errorf("jobs for %v, then %+v", due, got.Schedule)
			}
		})
	}
}

// TestTicksOfLongAgo: whatever was missed, the last ticks are found, and soon.
func TestTicksOfLongAgo(t *testing.T) {
	began := time.Now()
	until := time.Date(2026, 11, 27, 12, 0, 30, 0, time.UTC)
	for _, test := range []struct {
		rule  string
		first time.Time
		most  int
		want  string
	}{
		{"* * * * * *", time.Unix(0, 0), 2, "[12:00:29 12:00:30]"},
		{"@yearly", time.Unix(0, 0), 2, "[00:00:00 00:00:00]"},
		{"@yearly", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), 1, "[00:00:00]"},
		{"* * * * *", until.Add(-90 * time.Second).Truncate(time.Minute), 1000, "[11:59:00 12:00:00]"},
		{"0 0 29 2 *", time.Unix(0, 0), 1, "[00:00:00]"},
		{"@hourly", until.Add(time.Hour), 5, "[13:00:30]"},
	} {
		rule, err := cron.Parse(test.rule, "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, at := range lastTicks(rule, test.first, until, test.most) {
			got = append(got, at.Format(time.TimeOnly))
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("%s: %v, want %s", test.rule, got, test.want)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
