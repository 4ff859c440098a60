package dashboard_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// fillPages stores what a system has that has worked for a while, unless it is there:
// jobs of ten types, five queues, every status, with users, tags, arguments and failures
// of two thousand causes; most have completed. And what there is besides jobs.
func fillPages(b *testing.B, s store.Store, jobs int) {
	const batch = 5000
	if _, err := s.Get(b.Context(), int64(jobs)); err == nil {
		return
	}
	started := time.Now()
	now := started.Add(-time.Hour)
	for first := 1; first <= jobs; first += batch {
		var records []store.Record
		for id := first; id < first+batch && id <= jobs; id++ {
			records = append(records, pageRecord(id, jobs, now))
		}
		must(b, s.Import(b.Context(), records))
	}
	fillBesides(b, s, now)
	b.Logf("filled with %d jobs in %v", jobs, time.Since(started).Round(time.Second))
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func pageRecord(id, jobs int, now time.Time) store.Record {
	at := now.Add(time.Duration(id-jobs) * 100 * time.Millisecond)
	job := store.Job{
		ID: int64(id), Type: "Type" + strconv.Itoa(id/7%10), Queue: "queue" + strconv.Itoa(id/3%5), Status: store.Completed, Priority: id % 5, QueuedAt: at,
		Args:   fmt.Appendf(nil, `{"user_id":%d,"order":{"id":"o-%d"},"text":"a letter to somebody, of some length, number %d"}`, id%5000, id, id),
		UserID: "user" + strconv.Itoa(id%5000), Tags: []string{"eu"}, MaxRetries: 5, Attempt: 1, StartedAt: at.Add(time.Second), FinishedAt: at.Add(2 * time.Second),
	}
	if id%9999 == 0 {
		job.Type = "Rare"
	}
	record := store.Record{Job: job}
	j := &record.Job
	switch {
	case id%20 == 0:
		j.Status, j.Error, j.Attempt = store.Failed, "connection refused by host "+strconv.Itoa(id%100), 6
		record.Attempts = []store.Attempt{{JobID: j.ID, Number: 6, Outcome: store.AttemptFailed, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt, Error: j.Error, Cause: pageCause(id)}}
	case id%10 == 1:
		j.Status, j.Attempt, j.StartedAt, j.FinishedAt = store.Pending, 0, time.Time{}, time.Time{}
	case id%50 == 2:
		j.Status, j.FinishedAt, j.NextRunAt = store.Retrying, time.Time{}, time.Now().Add(time.Hour)
		record.Attempts = []store.Attempt{{JobID: j.ID, Number: 1, Outcome: store.AttemptRetried, StartedAt: j.StartedAt, FinishedAt: at.Add(time.Second), Error: "try later", Cause: pageCause(id)}}
	case id%50 == 3:
		j.Status, j.Attempt, j.StartedAt, j.FinishedAt, j.NextRunAt = store.Scheduled, 0, time.Time{}, time.Time{}, time.Now().Add(time.Hour)
	}
	return record
}

const pageCauses = 2000

// pageCause is one that half of the failures have, or one of many.
func pageCause(id int) store.CauseID {
	if id/10%4 < 2 {
		return 1
	}
	return store.CauseID(2 + id/20%(pageCauses-1))
}

func fillBesides(b *testing.B, s store.Store, now time.Time) {
	ctx := b.Context()
	var causes []store.Cause
	for id := 1; id <= pageCauses; id++ {
		c := store.Cause{ID: store.CauseID(id), Type: "Type0", ErrorType: "*net.OpError", Title: "connection … refused by host", Sample: "connection refused by host 7", FirstSeen: now.Add(-24 * time.Hour), LastSeen: now.Add(-time.Duration(id) * time.Second), Total: 25}
		for back := range 24 {
			c.Counts = append(c.Counts, store.CauseCount{At: now.Add(-time.Duration(back) * time.Hour).Truncate(store.CauseSpan), Failures: 1})
		}
		causes = append(causes, c)
	}
	must(b, s.RecordCauses(ctx, causes, now))
	for id := range 10 {
		must(b, s.Mute(ctx, store.CauseID(100*id+1), now.Add(1000*time.Hour), now, nil))
	}
	must(b, s.Rollup(ctx, pageRollups(now), now))
	fillProcesses(b, s)
	for n := range 50 {
		queue := later.New(s, later.Config{})
		call := later.Define[struct{}]("Type" + strconv.Itoa(n%10)).With(struct{}{})
		must(b, queue.SaveSchedule(ctx, "schedule"+strconv.Itoa(n), later.Every("1d"), call))
		must(b, queue.Pause(ctx, "quiet"+strconv.Itoa(n), "a test"))
	}
	queue := later.New(s, later.Config{})
	o, err := queue.Operate(ctx, later.Operation{Action: later.OperationRetry, Filter: later.Filter{Type: "Rare", Status: []later.JobStatus{later.StatusFailed}}})
	must(b, err)
	_, err = queue.AwaitOperation(ctx, o.ID)
	must(b, err)
}

// pageRollups are of each minute of two hours, and of each hour of a month.
func pageRollups(now time.Time) (rollups []store.Rollup) {
	add := func(at time.Time) {
		for n := range 10 {
			r := store.Rollup{At: at, Span: time.Minute, Queue: "queue" + strconv.Itoa(n%5), Type: "Type" + strconv.Itoa(n), Completed: 50, Failed: 3, Retried: 2}
			for i := range 55 {
				r.Run.Observe(time.Duration(i*i) * time.Millisecond)
				r.Wait.Observe(time.Duration(i) * time.Millisecond)
			}
			rollups = append(rollups, r)
		}
	}
	now = now.Add(time.Hour).Truncate(time.Minute)
	for minute := range 120 {
		add(now.Add(-time.Duration(minute) * time.Minute))
	}
	for span := range 3 * 24 * 6 {
		add(now.Add(-time.Duration(12+span) * 10 * time.Minute))
	}
	for hour := range 27 * 24 {
		add(now.Add(-time.Duration(72+hour) * time.Hour))
	}
	return rollups
}

func fillProcesses(b *testing.B, s store.Store) {
	ctx := context.Background()
	for id := int64(1); id <= 3; id++ {
		p := store.Process{ID: id, State: store.ProcessRunning, Host: "web", PID: int(id), StartedAt: time.Now(), Slots: 20}
		var names []string
		for n := range 10 {
			name := "Type" + strconv.Itoa(n)
			names = append(names, name)
			p.Types = append(p.Types, store.JobType{Name: name, Queue: "queue" + strconv.Itoa(n%5), MaxRetries: 5})
		}
		p.Performs = names
		must(b, s.Join(ctx, p, time.Now()))
		_, err := s.Claim(ctx, store.Demand{ProcessID: id, Token: id, Types: names, Limit: 20}, time.Now())
		must(b, err)
	}
}
