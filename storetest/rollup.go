package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

var rollupChecks = []check{
	{"rollups come back as they were stored", rollupsComeBack},
	{"only those of the time that is asked for", rollupsOfATime},
	{"old ones are added up", rollupsAreFolded},
	{"the oldest go", rollupsGo},
	{"several of one time are kept apart", rollupsApart},
	{"those of a queue, or of a type", rollupsSelected},
	{"those of a time are summed", rollupsSummed},
	{"no rollups", rollupNone},
}

// aRollup is a minute some minutes after the start of the hour.
func aRollup(minute int) store.Rollup {
	u := store.Rollup{
		At: at(0).Truncate(time.Hour).Add(time.Duration(minute) * time.Minute), Span: time.Minute, Queue: "mailers", Type: "Mail",
		Completed: 5, Retried: 4, Postponed: 3, Failed: 2, Cancelled: 1,
	}
	u.Wait.Observe(3 * time.Millisecond)
	u.Run.Observe(0)
	u.Run.Observe(time.Hour)
	return u
}

func (t *trial) rollup(now time.Time, rollups ...store.Rollup) {
	t.Helper()
	t.must("Rollup", t.store.Rollup(t.Context(), rollups, now))
}

func (t *trial) rollups(from, until time.Time) []store.Rollup {
	t.Helper()
	found, err := t.store.Rollups(t.Context(), store.RollupFilter{From: from, Until: until})
	t.must("Rollups", err)
	return found
}

// times are those of a reader who wants everything.
func (t *trial) allRollups() []store.Rollup {
	t.Helper()
	return t.rollups(at(-90*24*time.Hour), at(90*24*time.Hour))
}

func rollupsComeBack(t *trial) {
	var given []store.Rollup
	for i, word := range words {
		u := aRollup(i)
		u.Queue, u.Type, u.Completed = word, words[len(words)-1-i], 1<<40
		given = append(given, u)
	}
	t.rollup(at(0), given...)
	t.equal("rollups", t.allRollups(), given)
}

func rollupsOfATime(t *trial) {
	t.rollup(at(0), aRollup(10), aRollup(11), aRollup(12), aRollup(13))
	first := aRollup(0).At
	t.equal("two minutes", t.rollups(first.Add(11*time.Minute), first.Add(13*time.Minute)), []store.Rollup{aRollup(11), aRollup(12)})
	t.equal("a time within a minute", t.rollups(first.Add(11*time.Minute+30*time.Second), first.Add(12*time.Minute)), []store.Rollup{aRollup(11)})
}

func rollupsAreFolded(t *trial) {
	t.rollup(at(0), aRollup(0), aRollup(3), aRollup(9), aRollup(10))
	other := aRollup(4)
	other.Type = "Other"
	t.rollup(aRollup(0).At.Add(2*time.Hour+10*time.Minute), other)

	want := aRollup(0)
	want.Span = 10 * time.Minute
	for _, minute := range []int{3, 9} {
		u := aRollup(minute)
		want.Add(&u)
	}
	other.At, other.Span = want.At, want.Span
	t.equal("after two hours", t.allRollups(), []store.Rollup{aRollup(10), want, other})

	t.rollup(aRollup(0).At.Add(3*24*time.Hour + time.Hour))
	late := aRollup(10)
	want.Add(&late)
	want.Span, other.Span = time.Hour, time.Hour
	t.equal("after three days", t.allRollups(), []store.Rollup{want, other})
}

func rollupsGo(t *trial) {
	t.rollup(at(0), aRollup(0))
	t.rollup(at(31 * 24 * time.Hour))
	t.equal("after a month", len(t.allRollups()), 0)
}

func rollupsApart(t *trial) {
	t.rollup(at(0), aRollup(1))
	t.rollup(at(0), aRollup(1))
	t.equal("rollups", t.allRollups(), []store.Rollup{aRollup(1), aRollup(1)})
}

func rollupNone(t *trial) {
	t.rollup(at(0))
	t.equal("rollups", len(t.allRollups()), 0)
}

// several are two minutes, each with rollups of two queues and two types.
func (t *trial) severalRollups() (given []store.Rollup) {
	for _, minute := range []int{10, 11} {
		for i, queue := range []string{"mailers", "", "mailers", words[0]} {
			u := aRollup(minute)
			u.Queue, u.Type, u.Completed = queue, []string{"Mail", "Other"}[i/2], int64(100*minute+i)
			u.Wait.Observe(time.Duration(i) * time.Minute)
			given = append(given, u)
		}
	}
	t.rollup(at(0), given...)
	return given
}

func (t *trial) rollupsOf(f store.RollupFilter) []store.Rollup {
	t.Helper()
	f.From, f.Until = at(-90*24*time.Hour), at(90*24*time.Hour)
	found, err := t.store.Rollups(t.Context(), f)
	t.must("Rollups", err)
	return found
}

func rollupsSelected(t *trial) {
	g := t.severalRollups()
	t.equal("of a queue", t.rollupsOf(store.RollupFilter{Queue: "mailers"}), []store.Rollup{g[0], g[2], g[4], g[6]})
	t.equal("of a type", t.rollupsOf(store.RollupFilter{Type: "Mail"}), []store.Rollup{g[0], g[1], g[4], g[5]})
	t.equal("of both", t.rollupsOf(store.RollupFilter{Queue: words[0], Type: "Other"}), []store.Rollup{g[3], g[7]})
	t.equal("of a queue that is nowhere", len(t.rollupsOf(store.RollupFilter{Queue: "x\x00y", Sum: true})), 0)
}

func rollupsSummed(t *trial) {
	g := t.severalRollups()
	t.rollup(aRollup(0).At.Add(2*time.Hour+20*time.Minute), aRollup(50)) // folds the others
	sum := func(f store.RollupFilter, which ...int) store.Rollup {
		u := store.Rollup{At: g[0].At, Span: 10 * time.Minute, Queue: f.Queue, Type: f.Type}
		for _, i := range which {
			u.Add(&g[i])
		}
		return u
	}
	all := store.RollupFilter{Sum: true}
	late := aRollup(50)
	late.Queue, late.Type = "", ""
	t.equal("of all", t.rollupsOf(all), []store.Rollup{late, sum(all, 0, 1, 2, 3, 4, 5, 6, 7)})
	other := store.RollupFilter{Sum: true, Type: "Other"}
	t.equal("of a type", t.rollupsOf(other), []store.Rollup{sum(other, 2, 3, 6, 7)})
	both := store.RollupFilter{Sum: true, Queue: "mailers", Type: "Other"}
	t.equal("of both", t.rollupsOf(both), []store.Rollup{sum(both, 2, 6)})
}
