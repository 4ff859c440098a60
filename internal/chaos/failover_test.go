package chaos

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
)

// TestStandbyTakesOver: the primary is killed under the hands of three processes, which
// know both servers, and the synchronous standby is promoted. What was acknowledged is
// performed, and effects in the database count once.
func TestStandbyTakesOver(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	server := pgtest.Start(t)
	standby := server.Standby()
	standby.Synchronous()
	run(t, server.URL(), "CREATE TABLE tally (jobs int)")
	run(t, server.URL(), "INSERT INTO tally VALUES (0)")
	either := fmt.Sprintf("postgres://postgres@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write",
		pgtest.Address(t, server.URL()), pgtest.Address(t, standby.URL()))
	queue := producer(t, either)
	hands := []*process{spawn(t, either, true), spawn(t, either, false), spawn(t, either, false)}
	var counted []int64
	for range 100 {
		job, err := tally.PerformLater(t.Context(), queue, args{})
		if err != nil {
			t.Fatal(err)
		}
		counted = append(counted, job.ID)
	}
	hands[0].await(acknowledged, 50)
	server.Kill()
	standby.Promote()
	promoted := time.Now()
	job, err := work.PerformLater(t.Context(), queue, args{})
	for errors.Is(err, later.ErrUnavailable) { // it may be stored all the same
		job, err = work.PerformLater(t.Context(), queue, args{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Wait(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	t.Logf("a job was performed %v after the promotion", time.Since(promoted).Round(time.Millisecond))
	if took := time.Since(promoted); took > 8*time.Second { // what waits for a time-out takes 10 s
		t.Errorf("a job was performed only %v after the promotion", took)
	}
	for _, hand := range hands {
		hand.await(began, 1)
	}
	completed(t, queue, counted, 4) // their handlers meet the failure themselves, and return it
	completed(t, queue, hands[0].said(acknowledged), 1)
	joinedBefore := run(t, standby.URL(), "SELECT count(*) FROM later.process")
	for _, hand := range hands {
		hand.stop()
	}
	jobs := run(t, standby.URL(), "SELECT count(*) FROM later.job WHERE type = 'Tally'")
	if effects := run(t, standby.URL(), "SELECT jobs FROM tally"); effects != jobs || jobs < len(counted) {
		t.Errorf("%d effects of %d jobs, of which %d were acknowledged", effects, jobs, len(counted))
	}
	if joinedBefore != len(hands) {
		t.Errorf("%d processes of %d", joinedBefore, len(hands))
	}
	if crashes := run(t, standby.URL(), "SELECT count(*) FROM later.attempt WHERE outcome = 'crashed'"); crashes != 0 {
		t.Errorf("%d crashes were counted", crashes)
	}
	joined(t, queue, 0)
}

// completed insists that each job has completed with at most so many attempts.
func completed(t *testing.T, queue *later.JobQueue, ids []int64, attempts int) {
	t.Helper()
	for _, id := range ids {
		job, err := queue.Wait(t.Context(), id)
		if err != nil || job.Status != later.StatusCompleted || job.Attempt > attempts || job.Crashes != 0 {
			t.Fatalf("acknowledged job %d is %s after %d attempts and %d crashes: %s, %v", id, job.Status, job.Attempt, job.Crashes, job.Error, err)
		}
	}
}
