package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

var arrivalChecks = []check{
	{"jobs that arrived of late are counted by queue, whatever has become of them", arrivalsCounted},
	{"what was imported counts as of when it was enqueued", arrivalsImported},
	{"of many the newest are counted, and the span says over what time", arrivalsMany},
	{"a store without jobs", arrivalsNone},
}

// arrived insists on what Arrivals answers at a time.
func (t *trial) arrived(now time.Time, span time.Duration, queues map[string]int64) {
	t.Helper()
	got, err := t.store.Arrivals(t.Context(), now)
	t.must("Arrivals", err)
	t.equal("arrivals", got, store.Arrivals{Span: span, Queues: queues})
}

func arrivalsCounted(t *trial) {
	t.running(inQueue("a"))
	ended(store.Complete)(t, inQueue("b"))
	t.enqueue(inQueue("a"), inQueue("b"), inQueue("<c>"))
	later := inQueue("a")
	later.RunAt = dueAt
	t.enqueue(later)
	_, err := t.store.Enqueue(t.Context(), many(3, inQueue("b")), at(store.ArrivalsSpan))
	t.must("Enqueue", err)
	want := map[string]int64{"a": 3, "b": 2, "<c>": 1}
	t.arrived(at(0), store.ArrivalsSpan, want)
	t.arrived(at(store.ArrivalsSpan-time.Microsecond), store.ArrivalsSpan, want)
	t.arrived(at(store.ArrivalsSpan), store.ArrivalsSpan, map[string]int64{"b": 3})
	t.arrived(at(-time.Second), store.ArrivalsSpan, nil)
}

func arrivalsImported(t *trial) {
	t.enqueue(inQueue("a"))
	old := store.Job{ID: 1 << 20, Type: "Mail", Queue: "a", Status: store.Pending, Args: []byte(`{}`), QueuedAt: at(-time.Hour)}
	late := old
	late.ID, late.Queue, late.QueuedAt = 1<<20+1, "b", at(-time.Minute)
	t.importAll(store.Record{Job: old}, store.Record{Job: late})
	t.arrived(at(time.Second), store.ArrivalsSpan, map[string]int64{"a": 1, "b": 1})
}

func arrivalsMany(t *trial) {
	t.enqueue(many(100, inQueue("a"))...)
	_, err := t.store.Enqueue(t.Context(), many(store.ArrivalsJobs-50, inQueue("b")), at(time.Minute))
	t.must("Enqueue", err)
	t.arrived(at(90*time.Second), 30*time.Second, map[string]int64{"b": store.ArrivalsJobs - 50})
	t.arrived(at(time.Minute+store.ArrivalsSpan), store.ArrivalsSpan, nil)
}

func arrivalsNone(t *trial) { t.arrived(at(0), store.ArrivalsSpan, nil) }
