package postgres_test

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
)

// outageLength is how long the database is away in TestLongOutage. By hand, to prove
// what the documents say:
//
//	LATER_TEST_OUTAGE=10m go test -run TestLongOutage -timeout 20m -v ./postgres
func outageLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("LATER_TEST_OUTAGE")
	if text == "" {
		return 20 * time.Second // longer than the time-to-die
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("LATER_TEST_OUTAGE: %v", err)
	}
	return length
}

// TestLongOutage: nobody reaches the database for longer than the time-to-die, half of
// the processes because nothing is forwarded, the others because everything is refused.
// Afterwards every loop works again soon; nobody was declared dead, no attempt was
// burned, and the log says once a minute what is wrong.
func TestLongOutage(t *testing.T) {
	long(t)
	length := outageLength(t)
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	silent, refusing := pgtest.NewProxy(t, pgtest.Address(t, url)), pgtest.NewProxy(t, pgtest.Address(t, url))
	var queues []*later.JobQueue
	var logs []*loopLog
	var reported atomic.Int64
	for _, proxy := range []*pgtest.Proxy{silent, silent, refusing, refusing} {
		log := newLoopLog(t)
		queue := newQueue(t, open(t, proxy.URL(url), postgres.Schema(own)), later.Config{Logger: slog.New(log)}, numberJob.Do(goesOn(&reported)))
		start(t, queue)
		queues, logs = append(queues, queue), append(logs, log)
	}
	direct := newQueue(t, open(t, url, postgres.Schema(own)), later.Config{})
	running := enqueue(t, direct, 0)
	waitUntil(t, "the job runs", func() bool { return reported.Load() > 0 })

	silent.Freeze(true)
	refusing.Refuse(true)
	refusing.Cut()
	var ids []int64
	for n := range int64(20) {
		ids = append(ids, enqueue(t, direct, n+1).ID, enqueue(t, direct, n+1, later.In(time.Second)).ID)
	}
	away := time.NewTimer(length)
	<-away.C
	silent.Freeze(false)
	refusing.Refuse(false)
	back := time.Now()

	for _, id := range ids {
		if job := wait(t, direct, id); job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("job %d: %s, attempt %d, %d crashes", id, job.Status, job.Attempt, job.Crashes)
		}
	}
	took := time.Since(back)
	t.Logf("what was due was performed %v after the outage of %v", took.Round(time.Millisecond), length)
	if took > resumption {
		t.Errorf("what was due was performed only %v after the outage", took)
	}
	for _, queue := range queues {
		wait(t, direct, stored(t, queue, 1))
	}
	for _, log := range logs {
		log.resumed(t, back)
		log.calm(t, 1+int(length/time.Minute))
		log.honest(t, back)
	}
	reported.Store(enough)
	if job := wait(t, direct, running.ID); job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 {
		t.Errorf("the job that ran before: %s, attempt %d, %d crashes", job.Status, job.Attempt, job.Crashes)
	}
	if crashes := ask(t, url, "SELECT count(*) FROM "+own+".attempt"); crashes[0] != "0" {
		t.Errorf("%s attempts were recorded", crashes[0])
	}
	if processes, err := direct.Processes(t.Context()); err != nil || len(processes) != len(queues) {
		t.Errorf("%d processes of %d, %v", len(processes), len(queues), err)
	}
}

// enough reports end the job that goes on.
const enough = 1_000_000

// goesOn performs the job 0, which runs when the outage begins: it reports what it does
// until that is enough. All others do nothing.
func goesOn(reported *atomic.Int64) func(context.Context, numberArgs) error {
	return func(ctx context.Context, args numberArgs) error {
		for args.N == 0 && reported.Load() < enough {
			later.Running(ctx).Progress(reported.Add(1), 0, "going on")
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(100 * time.Millisecond):
			}
		}
		return nil
	}
}
