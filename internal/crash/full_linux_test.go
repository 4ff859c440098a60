package crash

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type textArgs struct {
	Text string `json:"text"`
}

var work = later.Define[textArgs]("Work", later.MaxRetries(0))

// smallDisk is a file system of a size, which needs root.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, unix.EPERM) {
		t.Skip("SKIPPED: a disk that is full needs root, to mount a small file system")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all the room that is left on a disk.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 16; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); !is(); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// TestDiskIsFull: enqueueing says so, outcomes are kept until there is room, and then
// all goes on by itself. Nothing that was acknowledged is lost, nothing is done twice.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "4m")
	path, ballast := filepath.Join(dir, "jobs.db"), filepath.Join(dir, "ballast")
	log := &logged{}
	var performed atomic.Int64
	over := make(chan struct{})
	queue := queueOn(t, path, later.Config{Concurrency: 4}, log, work.Do(func(context.Context, textArgs) error {
		<-over
		performed.Add(1)
		return nil
	}))
	var acknowledged []later.Job
	enqueue := func(size int) error {
		job, err := work.PerformLater(t.Context(), queue, textArgs{strings.Repeat("x", size)})
		if err == nil {
			acknowledged = append(acknowledged, job)
		}
		return err
	}
	for range 10 {
		if err := enqueue(1000); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "four jobs run", func() bool {
		stats, err := queue.Stats(t.Context())
		return err == nil && stats.Counts[later.StatusRunning] >= 4
	})
	fill(t, ballast)
	untilFull(t, enqueue)
	close(over)
	eventually(t, "outcomes cannot be stored", func() bool { return len(log.with("cannot store outcomes")) > 0 })
	if err := enqueue(1000); !errors.Is(err, later.ErrFull) {
		t.Errorf("enqueue on a disk that is still full: %v", err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for _, job := range acknowledged {
		job = wait(t, queue, job.ID)
		if job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("job: %+v", job)
		}
	}
	if err := enqueue(1000); err != nil {
		t.Errorf("enqueue once there is room: %v", err)
	}
	wait(t, queue, acknowledged[len(acknowledged)-1].ID)
	if n := performed.Load(); n != int64(len(acknowledged)) {
		t.Errorf("%d jobs were performed %d times", len(acknowledged), n)
	}
	mustBeSound(t, path)
	t.Logf("%d jobs were acknowledged", len(acknowledged))
}

// untilFull enqueues until that is refused: the file may have some room inside.
func untilFull(t *testing.T, enqueue func(size int) error) {
	t.Helper()
	var err error
	for range 1000 {
		if err = enqueue(1000); err != nil {
			break
		}
	}
	if !errors.Is(err, later.ErrFull) || !strings.Contains(err.Error(), "nothing was stored; free some space") {
		t.Fatalf("enqueue on a full disk: %v", err)
	}
}

func mustBeSound(t *testing.T, path string) {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := sound(s); err != nil {
		t.Error(err)
	}
}
