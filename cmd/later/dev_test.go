//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// developed is a program with a job that takes until somebody lets it end.
const developed = `package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	store, err := sqlite.Open(os.Getenv("LATER_DB"))
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{SoftStop: 50 * time.Millisecond, HardStop: 10 * time.Second, PollInterval: 100 * time.Millisecond})
	queue.Register(later.Define[struct{}]("WaitJob").Do(wait))
	if err := queue.Start(ctx); err != nil {
		panic(err)
	}
	say("works", 0)
	<-ctx.Done()
	if _, err := queue.Stop(context.Background()); err != nil {
		panic(err)
	}
}

func say(word string, job int64) { fmt.Println("app:", version, word, job, os.Getpid()) }

func wait(ctx context.Context, _ struct{}) error {
	id := later.Running(ctx).ID
	say("begins", id)
	defer say("ends", id)
	for {
		if _, err := os.Stat("release"); err == nil {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
`

// TestDev: the code of a handler changes while its job runs. The job is not lost, burns no
// attempt, is never run twice at once, and goes on with the new code; a broken build
// changes nothing; ctrl-C leaves nothing behind.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "go.mod", "module example.com/app\n\ngo 1.26.0\n")
	requireHere(t, dir)
	put(t, dir, "main.go", developed)
	put(t, dir, "version.go", "package main\n\nconst version = \"old\"\n")
	d := startDev(t, dir, "--", "go", "run", "-ldflags=-s -w", ".")
	board := strings.Fields(d.await("the dashboard is at "))[0]
	d.await("app: old works")
	id := d.enqueue(t, dir)
	d.await("app: old begins")
	put(t, dir, "version.go", "package main\n\nconst version = \"new\"\n")
	d.await("app: new begins")
	said := d.said.String()
	if old := strings.Index(said, "app: old ends"); old < 0 || old > strings.Index(said, "app: new begins") {
		t.Errorf("it ran twice at once:\n%s", said)
	}
	put(t, dir, "version.go", "package main\n\nconst version = broken\n")
	d.await("undefined: broken")
	if page := fetch(t, board); !strings.Contains(page, "undefined: broken") || !strings.Contains(page, "development") {
		t.Errorf("the dashboard does not tell of the broken build:\n%s", page)
	}
	put(t, dir, "release", "")
	d.await("app: new ends")
	d.completed(t, dir, id)
	put(t, dir, "version.go", "package main\n\nconst version = \"new\"\n")
	d.await("makes no difference")
	if page := fetch(t, board); strings.Contains(page, "undefined: broken") {
		t.Error("the dashboard tells of a build that has been mended")
	}
	d.interrupt(t)
	if left, err := filepath.Glob(filepath.Join(d.temporary, "*")); len(left) > 0 || err != nil {
		t.Errorf("files are left: %q, %v", left, err)
	}
	if n := strings.Count(d.said.String(), "works"); n != 2 {
		t.Errorf("the program was started %d times", n)
	}
}

// requireHere makes a module use this checkout, with all that it needs.
func requireHere(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	if !strings.Contains(all, "replace ") {
		all += "\nrequire github.com/laterjobs/later v0.0.0\n\nreplace github.com/laterjobs/later => " + root + "\n"
	}
	for _, block := range regexp.MustCompile(`(?s)require \(.*?\n\)\n`).FindAllString(string(ours), -1) {
		all += "\n" + block
	}
	put(t, dir, "go.mod", all)
	put(t, dir, "go.sum", string(sums))
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// developing is later dev in a process of its own.
type developing struct {
	t         *testing.T
	cmd       *exec.Cmd
	said      said
	temporary string
	ended     chan error
}

func startDev(t *testing.T, dir string, line ...string) *developing {
	t.Helper()
	d := &developing{t: t, cmd: exec.Command(os.Args[0], append([]string{"dev"}, line...)...), temporary: t.TempDir(), ended: make(chan error, 1)}
	d.cmd.Dir = dir
	d.cmd.Env = append(os.Environ(), "LATER_TEST_AS_PROGRAM=1", "LATER_DB=", "TMPDIR="+d.temporary, "GOTMPDIR="+t.TempDir())
	d.cmd.Stdout, d.cmd.Stderr = &d.said, &d.said
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.cmd.Wait() }()
	t.Cleanup(func() { _ = d.cmd.Process.Kill() }) // it may have ended
	return d
}

// await waits until something was said, and returns the rest of its line.
func (d *developing) await(what string) string {
	d.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if _, after, found := strings.Cut(d.said.String(), what); found && strings.Contains(after, "\n") {
			line, _, _ := strings.Cut(after, "\n")
			return line
		}
	}
	d.t.Fatalf("it never says %q:\n%s", what, d.said.String())
	return ""
}

func (d *developing) interrupt(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-d.ended:
		if err != nil {
			t.Errorf("it ended with %v:\n%s", err, d.said.String())
		}
	case <-time.After(time.Minute):
		t.Fatalf("it does not end:\n%s", d.said.String())
	}
	for _, started := range regexp.MustCompile(`started process (\d+)`).FindAllStringSubmatch(d.said.String(), -1) {
		var pid int
		if _, err := fmt.Sscan(started[1], &pid); err != nil || syscall.Kill(pid, 0) == nil {
			t.Errorf("process %s is still there, %v", started[1], err)
		}
	}
}

// queue opens the store of the program.
func (d *developing) queue(t *testing.T, dir string) *later.JobQueue {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, ".later", "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return later.New(store, later.Config{})
}

func (d *developing) enqueue(t *testing.T, dir string) int64 {
	t.Helper()
	job, err := later.Define[struct{}]("WaitJob").PerformLater(t.Context(), d.queue(t, dir), struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	return job.ID
}

func (d *developing) completed(t *testing.T, dir string, id int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	queue := d.queue(t, dir)
	job, err := queue.Wait(ctx, id)
	if err != nil || job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 {
		t.Errorf("%+v, %v", job, err)
	}
	if attempts, err := queue.Attempts(ctx, id); len(attempts) != 1 || err != nil {
		t.Errorf("attempts %+v, %v", attempts, err)
	}
}

// said is what a process has written.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
