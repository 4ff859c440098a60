//go:build unix

package crash

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type noArgs struct{}

var held = later.Define[noArgs]("Held", later.MaxRetries(0))

// logged is what was logged.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

// with returns the lines that say something.
func (l *logged) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// queueOn works on a file with a store of its own, as another process would.
func queueOn(t *testing.T, path string, cfg later.Config, log *logged, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	queue := later.New(s, cfg)
	queue.Register(handlers...)
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := queue.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return queue
}

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

func wait(t *testing.T, queue *later.JobQueue, id int64) later.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	job, err := queue.Wait(ctx, id)
	if err != nil {
		t.Fatalf("job %d: %v", id, err)
	}
	return job
}

// TestLockHeldBySomebodyElse: nobody can write for longer than the time-to-die, so no
// process can send a heartbeat. That is no reason to take anybody for dead.
func TestLockHeldBySomebodyElse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jobs.db")
	log := &logged{}
	over := make(chan struct{})
	perform := held.Do(func(ctx context.Context, _ noArgs) error {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	cfg := later.Config{Heartbeat: time.Second, TimeToDie: 3 * time.Second, PollInterval: time.Second}
	var queues []*later.JobQueue
	for range 3 {
		queues = append(queues, queueOn(t, path, cfg, log, perform))
	}
	var jobs []later.Job
	for range 12 {
		job, err := held.PerformLater(t.Context(), queues[0], noArgs{})
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	holdLock(t, path, 8*time.Second)
	close(over)
	for _, job := range jobs {
		job = wait(t, queues[1], job.ID)
		if job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("job: %+v", job)
		}
	}
	for _, text := range []string{"a process died", "was declared dead"} {
		if lines := log.with(text); len(lines) > 0 {
			t.Errorf("false death: %v", lines)
		}
	}
}

// holdLock keeps everybody from writing for a while.
func holdLock(t *testing.T, path string, long time.Duration) {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, err := s.DB().BeginTx(t.Context(), nil) // BEGIN IMMEDIATE
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	<-time.After(long)
}
