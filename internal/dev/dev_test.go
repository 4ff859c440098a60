//go:build unix

package dev

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a program that ends with a code, or says "began" and waits for SIGTERM, or
// does not listen to it. It starts a child that would never end.
const program = `package main

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	if code := CODE; code != 0 {
		os.Exit(code)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	child, err := os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{})
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString("began VERSION " + strconv.Itoa(child.Pid) + " " + os.Getenv("LATER_TEST_VALUE") + "\n")
	<-signals
	if DEAF {
		<-signals
	}
	os.Stdout.WriteString("ended VERSION\n")
}
`

func version(name string, code int, deaf bool) string {
	return strings.NewReplacer("VERSION", name, "CODE", strconv.Itoa(code), "DEAF", strconv.FormatBool(deaf)).Replace(program)
}

// TestRun: a program that crashes at once, that is replaced, that no longer builds, and
// that does not want to end.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := module(t)
	write(t, dir, "main.go", version("none", 3, false))
	r := start(t, Options{Dir: dir, Command: []string{"go", "run", "-ldflags=-s -w", ".", "argument"}, Env: []string{"LATER_TEST_VALUE=7"}, Drain: 2 * time.Second})
	r.await("the program ended with exit status 3")
	r.await("waiting for a change")
	write(t, dir, "main.go", version("one", 0, false))
	first := r.await("began one ")
	write(t, dir, "main.go", version("two", 0, true))
	r.await("main.go changed")
	second := r.await("began two ")
	if said := r.said.String(); strings.Index(said, "ended one") > strings.Index(said, "began two") || !strings.Contains(second, " 7") {
		t.Errorf("both ran at once, or the variable is missing:\n%s", said)
	}
	gone(t, first)
	write(t, dir, "main.go", "package main\n\nfunc main() { nonsense }\n")
	r.await("undefined: nonsense")
	r.await("the program that runs goes on")
	write(t, dir, "main.go", version("two", 0, true))
	r.await("that makes no difference to the program")
	if problems := r.problems(); len(problems) != 5 || !strings.Contains(problems[3], "nonsense") || problems[2]+problems[4] != "" {
		t.Errorf("the builds were reported as %q", problems)
	}
	r.end()
	r.await("did not stop within 2s and was killed")
	gone(t, second)
	if strings.Contains(r.said.String(), "ended two") {
		t.Errorf("it ended by itself:\n%s", r.said.String())
	}
}

// TestRunAnyCommand: it is run as it is, and its whole group is told to stop.
func TestRunAnyCommand(t *testing.T) {
	t.Parallel()
	dir := module(t)
	write(t, dir, "page.html", "<p>")
	write(t, dir, "run.sh", "sh -c 'trap \"echo ended; exit 0\" TERM; echo began $$ && while :; do sleep 0.05; done'\n")
	r := start(t, Options{Dir: dir, Command: []string{"sh", "run.sh"}, Drain: 20 * time.Second})
	first := r.await("began ")
	write(t, dir, "page.html", "<p>new")
	r.await("ended")
	r.await("started process")
	gone(t, first)
	r.end()
}

// TestSecondCtrlC: it is not waited for what does not end.
func TestSecondCtrlC(t *testing.T) {
	t.Parallel()
	dir := module(t)
	force := make(chan struct{})
	write(t, dir, "main.go", version("one", 0, true))
	r := start(t, Options{Dir: dir, Drain: time.Hour, Force: force})
	first := r.await("began one")
	close(force)
	r.end()
	r.await("killed: its jobs come back")
	gone(t, first)
}

func TestRunRefuses(t *testing.T) {
	t.Setenv("GO111MODULE", "")
	for want, o := range map[error]Options{
		ErrNoModule: {Dir: t.TempDir()},
		ErrCommand:  {Dir: t.TempDir(), Command: []string{"go", "run"}},
	} {
		if err := Run(t.Context(), o); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func module(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "go.mod", "module example.com/app\n\ngo 1.26\n")
	write(t, dir, "empty/empty.go", "package empty\n")
	return dir
}

// running is a Run under way.
type running struct {
	t      *testing.T
	said   written
	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	builds []string
}

func start(t *testing.T, o Options) *running {
	r := &running{t: t, ended: make(chan error, 1)}
	o.Out, o.Err, o.Talk = &r.said, &r.said, &r.said
	o.Built = func(problem string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.builds = append(r.builds, problem)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.ended <- Run(ctx, o) }()
	t.Cleanup(cancel)
	return r
}

func (r *running) problems() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.builds...)
}

// await waits until something was said, and returns the rest of its line.
func (r *running) await(what string) string {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if _, after, found := strings.Cut(r.said.String(), what); found && strings.Contains(after, "\n") {
			line, _, _ := strings.Cut(after, "\n")
			return line
		}
	}
	r.t.Fatalf("it never says %q:\n%s", what, r.said.String())
	return ""
}

func (r *running) end() {
	r.t.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Error(err)
		}
	case <-time.After(time.Minute):
		r.t.Fatalf("it does not end:\n%s", r.said.String())
	}
}

// gone insists that the process whose id begins a line is no more.
func gone(t *testing.T, line string) {
	t.Helper()
	pid, err := strconv.Atoi(strings.Fields(line)[0])
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		zombie := err == nil && bytes.Contains(state, []byte(") Z")) // that nobody has buried yet
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie {
			return
		}
	}
	t.Errorf("process %d is still there", pid)
}

// written is what several goroutines have written.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
