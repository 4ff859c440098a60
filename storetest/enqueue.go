package storetest

import (
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

var enqueueChecks = []check{
	{"ids rise in the order of the batch", enqueueIDsRise},
	{"every job gets its own answer, in order", enqueueAnswersInOrder},
	{"a job without a time is pending", enqueueAtOnce},
	{"a job for now or earlier is pending", enqueueForThePast},
	{"a job for later is scheduled", enqueueForLater},
	{"the answer is what is stored", enqueueAnswerIsStored},
	{"every field is stored", enqueueStoresEveryField},
	{"empty fields stay empty", enqueueKeepsEmptyFields},
	{"an empty batch does nothing", enqueueNothing},
	{"a large batch is stored whole", enqueueLargeBatch},
	{"the zero time is the database's clock", enqueueByDatabaseClock},
}

func enqueueIDsRise(t *trial) {
	ids := append(t.enqueue(many(20, plain())...), t.enqueue(many(20, dueIn(time.Hour))...)...)
	ids = append(ids, t.enqueue(plain())...)
	for i := range ids {
		if ids[i] <= 0 || i > 0 && ids[i] <= ids[i-1] {
			t.Fatalf("ids do not rise: %v", ids)
		}
	}
}

func enqueueAnswersInOrder(t *trial) {
	var batch []store.NewJob
	for i := range 9 {
		job := withPriority(i)
		if i%2 == 1 {
			job.RunAt = dueAt
		}
		batch = append(batch, job)
	}
	for i, id := range t.enqueue(batch...) {
		job := t.get(id)
		t.equal("priority", job.Priority, i)
		t.equal("due time", job.NextRunAt, batch[i].RunAt)
	}
}

func enqueueAtOnce(t *trial) {
	t.status(t.enqueue(plain())[0], store.Pending)
}

func enqueueForThePast(t *trial) {
	for _, id := range t.enqueue(dueIn(0), dueIn(-time.Microsecond), dueIn(-365*24*time.Hour)) {
		job := t.get(id)
		t.equal("status", job.Status, store.Pending)
		t.equal("time of the next run", job.NextRunAt, time.Time{})
	}
}

func enqueueForLater(t *trial) {
	for _, in := range []time.Duration{time.Microsecond, time.Hour} {
		job := t.get(t.enqueue(dueIn(in))[0])
		t.equal("status", job.Status, store.Scheduled)
		t.equal("time of the next run", job.NextRunAt, at(in))
		t.equal("time asked for", job.ScheduledAt, at(in))
		t.equal("reason", job.Reason, "")
	}
}

func enqueueAnswerIsStored(t *trial) {
	now := at(1234567 * time.Nanosecond)
	enqueued, err := t.store.Enqueue(t.Context(), []store.NewJob{plain(), dueIn(time.Hour)}, now)
	t.must("Enqueue", err)
	for i, status := range []store.JobStatus{store.Pending, store.Scheduled} {
		job := t.get(enqueued[i].ID)
		t.equal("status", enqueued[i].Status, status)
		t.equal("answer", enqueued[i], store.Enqueued{ID: job.ID, Status: job.Status, QueuedAt: job.QueuedAt})
		if off := job.QueuedAt.Sub(now).Abs(); off > time.Microsecond {
			t.Fatalf("queued %s away from now", off)
		}
	}
}

func enqueueStoresEveryField(t *trial) {
	id := t.enqueue(store.NewJob{
		Type: "Report", Queue: "slow", Priority: -7,
		Args: []byte(`{"a":1}`), Metadata: []byte(`{"trace":"x"}`),
		UserID: "user-1", TargetID: "order/9", Tags: []string{"monthly", "eu"},
		MaxRetries: 12, Timeout: 1500 * time.Millisecond, RunAt: dueAt,
	})[0]
	t.equal("job", t.get(id), store.Job{
		ID: id, Type: "Report", Queue: "slow", Status: store.Scheduled, Priority: -7,
		Args: []byte(`{"a":1}`), Metadata: []byte(`{"trace":"x"}`),
		UserID: "user-1", TargetID: "order/9", Tags: []string{"monthly", "eu"},
		MaxRetries: 12, Timeout: 1500 * time.Millisecond,
		QueuedAt: enqueuedAt, ScheduledAt: dueAt, NextRunAt: dueAt,
	})
}

func enqueueKeepsEmptyFields(t *trial) {
	id := t.enqueue(store.NewJob{Type: "Mail", Queue: "default", Args: []byte(`null`)})[0]
	t.equal("job", t.whole(id), whole{Job: store.Job{
		ID: id, Type: "Mail", Queue: "default", Status: store.Pending, Args: []byte(`null`), QueuedAt: enqueuedAt,
	}})
}

func enqueueNothing(t *trial) {
	for _, batch := range [][]store.NewJob{nil, {}} {
		enqueued, err := t.store.Enqueue(t.Context(), batch, enqueuedAt)
		t.must("Enqueue", err)
		t.equal("answers", len(enqueued), 0)
	}
	t.equal("jobs", t.list(store.Filter{}), []int64{})
}

func enqueueLargeBatch(t *trial) {
	ids := t.enqueue(many(5000, plain())...)
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Fatal("ids of a large batch do not rise")
	}
	t.equal("pending jobs", t.stats().Counts[store.Pending], int64(len(ids)))
}

func enqueueByDatabaseClock(t *trial) {
	soon, past := plain(), plain()
	soon.RunAt, past.RunAt = time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	ids := t.enqueueAt(time.Time{}, soon, past)
	t.status(ids[0], store.Scheduled)
	t.status(ids[1], store.Pending)
	if off := time.Since(t.get(ids[0]).QueuedAt).Abs(); off > 10*time.Minute {
		t.Fatalf("queued %s away from the clock", off)
	}
}
