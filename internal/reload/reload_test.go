package reload

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
)

var whole = flag.Duration("for", 8*time.Second, "how long programs are reloaded")

const (
	period = 2 * time.Second // between two reloads
	bound  = time.Second     // each of the two timeouts of a stop
	slack  = 3 * time.Second // for a slow machine to end a process

	stopTime = 2*bound + time.Second + slack
)

func TestReloadOnSQLite(t *testing.T) {
	t.Parallel()
	testReload(t, filepath.Join(t.TempDir(), "jobs.db"))
}

func TestReloadOnPostgres(t *testing.T) {
	t.Parallel()
	testReload(t, pgtest.Start(t).URL())
}

// testReload replaces the program every other second: at once after the signal,
// before it, and when the old one has ended. Every second time the signal is that of
// ctrl-C.
func testReload(t *testing.T, name string) {
	dir := t.TempDir()
	programs := []*launched{launch(t, name, dir, bound)}
	begin := func() { programs = append(programs, launch(t, name, dir, bound)) }
	enqueueDeaf(t, name)
	every := time.NewTicker(period)
	defer every.Stop()
	reloads := 0
	for began := time.Now(); time.Since(began) < *whole; reloads++ {
		<-every.C
		old := programs[len(programs)-1]
		old.await(started)
		signal := []os.Signal{syscall.SIGTERM, syscall.SIGINT}[reloads%2]
		switch reloads % 3 {
		case 0:
			old.signal(signal)
			begin()
		case 1:
			begin()
			<-time.After(period / 4)
			old.signal(signal)
		case 2:
			old.signal(signal)
			old.wait(stopTime)
			begin()
		}
	}
	completed(t, name, read(readLedger(t, dir)).acknowledged)
	programs[reloads].signal(syscall.SIGTERM)
	for _, p := range programs {
		p.wait(stopTime)
	}
	checkHistory(t, name, dir, reloads)
}

// enqueueDeaf makes one stop go to the end of its bounds.
func enqueueDeaf(t *testing.T, name string) {
	t.Helper()
	if _, err := deaf.PerformLater(t.Context(), watch(t, name), napArgs{Milliseconds: 5000}); err != nil {
		t.Fatal(err)
	}
}

// watch opens the store in this process, with a JobQueue that does not work.
func watch(t testing.TB, name string) *later.JobQueue {
	t.Helper()
	s, err := openStore(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return later.New(s, later.Config{})
}

// completed waits until jobs have completed and insists that none has lost anything.
func completed(t *testing.T, name string, ids []int64) {
	t.Helper()
	queue := watch(t, name)
	for _, id := range ids {
		job, err := queue.Wait(t.Context(), id)
		if err != nil {
			t.Fatalf("acknowledged job %d: %v", id, err)
		}
		attempts, err := queue.Attempts(t.Context(), id)
		if job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 || len(attempts) != 1 || err != nil {
			t.Errorf("job %d is %s after %d attempts and %d crashes: %q, %+v, %v",
				id, job.Status, job.Attempt, job.Crashes, job.Error, attempts, err)
		}
	}
}

func checkHistory(t *testing.T, name, dir string, reloads int) {
	t.Helper()
	h := read(readLedger(t, dir))
	for _, problem := range h.problems {
		t.Error(problem)
	}
	longest := 0
	for _, took := range h.stops {
		longest = max(longest, took)
	}
	if allowed := int((2*bound + time.Second).Milliseconds()); longest > allowed {
		t.Errorf("a stop took %d ms, more than %d", longest, allowed)
	}
	if len(h.stops) != reloads+1 {
		t.Errorf("%d programs were started, %d have stopped in order", reloads+1, len(h.stops))
	}
	if h.interrupted == 0 {
		t.Error("no reload has met a job")
	}
	processes, err := watch(t, name).Processes(t.Context())
	if err != nil || len(processes) != 0 {
		t.Errorf("processes left: %+v, %v", processes, err)
	}
	t.Logf("%d reloads, %d jobs, %d performings interrupted, longest stop %d ms", reloads, len(h.acknowledged), h.interrupted, longest)
}

// TestSecondSignalTakesItsPatience: a program that has been told twice ends at once
// and gives its jobs back, though both its timeouts are long and the job does not
// listen.
func TestSecondSignalTakesItsPatience(t *testing.T) {
	t.Parallel()
	name, dir := filepath.Join(t.TempDir(), "jobs.db"), t.TempDir()
	p := launch(t, name, dir, time.Hour)
	queue := watch(t, name)
	job, err := deaf.PerformLater(t.Context(), queue, napArgs{Milliseconds: 3_600_000})
	if err != nil {
		t.Fatal(err)
	}
	p.await(deafened)
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGINT)
	p.wait(time.Second + slack)
	job, err = queue.Get(t.Context(), job.ID)
	if err != nil || job.Status != later.StatusPending || job.Attempt != 0 || job.Crashes != 0 {
		t.Errorf("%+v, %v", job, err)
	}
}

// launched is a program under way.
type launched struct {
	t   testing.TB
	dir string
	cmd *exec.Cmd
	out bytes.Buffer

	ended  chan struct{} // closed when it has
	err    error         // what it ended with
	endAt  time.Time
	toldAt time.Time // to stop
}

// launch starts the program. It is killed when the test ends, if not before.
func launch(t testing.TB, name, dir string, timeout time.Duration) *launched {
	t.Helper()
	p := &launched{t: t, dir: dir, cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), programStore+"="+name, programDir+"="+dir, programStop+"="+timeout.String())
	p.cmd.Stderr = &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		p.endAt = time.Now()
		close(p.ended)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it may have ended
	return p
}

func (p *launched) signal(s os.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("signal: %v", err)
	}
	p.toldAt = time.Now()
}

// wait insists that the program ends within a time from its signal, and in order.
func (p *launched) wait(atMost time.Duration) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatalf("the program has not ended: %s", p.out.String())
	}
	if took := p.endAt.Sub(p.toldAt); p.err != nil || took > atMost {
		p.t.Errorf("the program ended with %v after %v: %s", p.err, took, p.out.String())
	}
}

// await waits until the program has written a word into the ledger.
func (p *launched) await(word string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		for _, e := range readLedger(p.t, p.dir) {
			if e.pid == p.cmd.Process.Pid && e.word == word {
				return
			}
		}
	}
	p.t.Fatalf("the ledger does not say %q", word)
}
