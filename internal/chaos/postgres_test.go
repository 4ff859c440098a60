package chaos

import (
	"context"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
)

// tally is a job that counts itself, in the transaction in which it completes.
var tally = later.Define[args]("Tally")

func count(s *postgres.Store) func(context.Context, args) error {
	return func(ctx context.Context, _ args) error {
		return pgx.BeginFunc(ctx, s.Pool(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE tally SET jobs = jobs + 1"); err != nil {
				return err
			}
			if err := later.CompleteTx(ctx, s.Tx(tx), nil); err != nil {
				return err
			}
			say(committing, later.Running(ctx).ID)
			return nil
		})
	}
}

// database makes a database for the length of a test, and returns its URL.
func database(t testing.TB, name string) string {
	t.Helper()
	server := pgtest.URL(t)
	drop := func() { run(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") }
	drop()
	run(t, server, "CREATE DATABASE "+name)
	t.Cleanup(drop)
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// run executes a statement. Its answer, if it has one, is a number.
func run(t testing.TB, url, text string) (answer int) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	found, err := conn.Query(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		if err := found.Scan(&answer); err != nil {
			t.Fatal(err)
		}
	}
	if err := found.Err(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return answer
}

// producer opens a store in this process, with a queue that is not working.
func producer(t testing.TB, url string) *later.JobQueue {
	t.Helper()
	s, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return later.New(s, later.Config{})
}

// crew is four processes that work, of which one after the other is killed and
// replaced.
type crew struct {
	t     testing.TB
	url   string
	hands []*process
	kills int
}

func newCrew(t testing.TB, url string) *crew {
	c := &crew{t: t, url: url}
	for range 4 {
		c.hands = append(c.hands, spawn(t, url, false))
	}
	return c
}

// pick chooses a process at random.
func (c *crew) pick() int { return rand.IntN(len(c.hands)) }

// kill kills a process and replaces it.
func (c *crew) kill(victim int) {
	c.hands[victim].kill()
	c.kills++
	c.hands[victim] = spawn(c.t, c.url, false)
}

// scale is how large a test is.
func scale(whole, short int) int {
	if testing.Short() {
		return short
	}
	return whole
}

// TestKilledProcessesOnOneServer kills processes at random under load: every job that
// was acknowledged completes, at its first attempt, and counts once.
func TestKilledProcessesOnOneServer(t *testing.T) {
	jobs := scale(2000, 300)
	url := database(t, "killed")
	queue := producer(t, url)
	workers := newCrew(t, url)
	var ids []int64
	for n := range jobs {
		job, err := work.PerformLater(t.Context(), queue, args{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, job.ID)
		if n%75 == 74 {
			workers.kill(workers.pick())
		}
	}
	crashed := allOnce(t, queue, ids)
	if crashed == 0 && !testing.Short() {
		t.Error("no process was killed with a job in hand")
	}
	t.Logf("%d kills, %d jobs, %d of them in hand when a process was killed", workers.kills, jobs, crashed)
}

// allOnce insists that each job has completed at its first attempt, and that as many
// completions were accepted as there are jobs. It returns how many jobs a crash met.
func allOnce(t *testing.T, queue *later.JobQueue, ids []int64) (crashed int) {
	t.Helper()
	for _, id := range ids {
		job, err := queue.Wait(t.Context(), id)
		if err != nil {
			t.Fatalf("acknowledged job %d: %v", id, err)
		}
		if job.Status != later.StatusCompleted || job.Attempt != 1 {
			t.Errorf("job %d is %s after %d attempts and %d crashes: %s", id, job.Status, job.Attempt, job.Crashes, job.Error)
		}
		crashed += min(1, job.Crashes)
	}
	stats, err := queue.Stats(t.Context())
	if err != nil || stats.Counts[later.StatusCompleted] != int64(len(ids)) {
		t.Errorf("%d completions of %d jobs were accepted, %v", stats.Counts[later.StatusCompleted], len(ids), err)
	}
	return crashed
}

// TestExactlyOnceInTheDatabase kills processes around the commit of a transaction
// that has an effect and completes the job: as many effects as jobs.
func TestExactlyOnceInTheDatabase(t *testing.T) {
	kills := scale(40, 8)
	url := database(t, "exactly_once")
	run(t, url, "CREATE TABLE tally (jobs int)")
	run(t, url, "INSERT INTO tally VALUES (0)")
	queue := producer(t, url)
	workers := newCrew(t, url)
	var ids []int64
	for range kills {
		victim := workers.pick()
		for before := len(workers.hands[victim].said(committing)); len(workers.hands[victim].said(committing)) == before; {
			job, err := tally.PerformLater(t.Context(), queue, args{})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, job.ID)
		}
		workers.kill(victim)
	}
	crashed := allOnce(t, queue, ids)
	if counted := run(t, url, "SELECT jobs FROM tally"); counted != len(ids) {
		t.Errorf("%d effects of %d jobs", counted, len(ids))
	}
	t.Logf("%d kills, %d jobs, %d of them in hand when a process was killed", workers.kills, len(ids), crashed)
}

// TestAnotherProcessOfTheHostTakesOver: the operating system proves that the process
// is dead; everybody looks once a second.
func TestAnotherProcessOfTheHostTakesOver(t *testing.T) {
	url := database(t, "taken_over")
	queue := producer(t, url)
	fastest := time.Hour
	for range 3 {
		job, err := work.PerformLater(t.Context(), queue, args{Block: true})
		if err != nil {
			t.Fatal(err)
		}
		victim := spawn(t, url, false)
		victim.await(began, 1)
		successor := spawn(t, url, false)
		joined(t, queue, 2)
		killedAt := time.Now()
		victim.kill()
		successor.await(began, 1)
		fastest = min(fastest, time.Since(killedAt))
		if job, err = queue.Get(t.Context(), job.ID); err != nil || job.Attempt != 1 || job.Crashes != 1 {
			t.Errorf("attempt %d, %d crashes, %v", job.Attempt, job.Crashes, err)
		}
		if err := queue.Cancel(t.Context(), job.ID, "enough"); err != nil {
			t.Fatal(err)
		}
		successor.stop()
		joined(t, queue, 0)
	}
	if fastest > 2*time.Second {
		t.Errorf("taken over after %v at best", fastest)
	}
	t.Logf("taken over %v after the kill", fastest)
}
