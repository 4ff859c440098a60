//go:build unix

package reload

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var watchers = flag.Bool("watchers", false, "also reload under watchers of files: later dev, wgo, air")

// watched is a program that a watcher builds and restarts. It turns into the program of
// this package, so that what the watcher does is done to that one.
const watched = `package main

import (
	"os"
	"syscall"
)

const version = "%d"

func main() {
	program := os.Getenv("LATER_RELOAD_PROGRAM")
	panic(syscall.Exec(program, []string{program}, append(os.Environ(), "LATER_RELOAD_VERSION="+version)))
}
`

// airFile: air kills at once, unless it is told to interrupt and to wait.
const airFile = `root = "."
tmp_dir = "tmp"

[build]
cmd = "go build -o ./tmp/main ."
entrypoint = ["./tmp/main"]
include_ext = ["go"]
stop_on_error = false
send_interrupt = true
kill_delay = "45s"
`

// TestReloadUnderWatchers: programs that restart others when a file changes lose no job.
// What they are is not needed by anything else: who lacks one is told.
func TestReloadUnderWatchers(t *testing.T) {
	if !*watchers {
		t.Skip("later dev, wgo and air are asked by make reload")
	}
	for _, watcher := range []struct {
		name    string
		install []string // arguments of go, with GOBIN set to where it shall be
		line    []string
	}{
		{"later", []string{"install", "../../cmd/later"}, []string{"dev"}},
		{"wgo", []string{"install", "github.com/bokwoon95/wgo@latest"}, []string{"run", "."}},
		{"air", []string{"install", "github.com/air-verse/air@v1.67.4"}, nil},
	} {
		t.Run(watcher.name, func(t *testing.T) {
			testWatcher(t, exec.Command(installed(t, watcher.name, watcher.install), watcher.line...))
		})
	}
}

// installed is the path of a watcher: the one of this machine, or one that is fetched.
func installed(t *testing.T, name string, install []string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil && name != "later" {
		return path
	}
	bin := t.TempDir()
	cmd := exec.Command("go", install...)
	cmd.Env = append(os.Environ(), "GOBIN="+bin)
	out, err := cmd.CombinedOutput()
	if err != nil && name == "later" {
		t.Fatalf("%v\n%s", err, out)
	}
	if err != nil {
		t.Skipf("NOT PROVED: %s cannot be had here: go %s: %v\n%s", name, strings.Join(install, " "), err, out)
	}
	return filepath.Join(bin, name)
}

// testWatcher changes a program under a watcher again and again.
func testWatcher(t *testing.T, cmd *exec.Cmd) {
	dir, module := t.TempDir(), t.TempDir()
	name := filepath.Join(dir, "jobs.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	put(t, module, "go.mod", "module example.com/watched\n\ngo 1.26.0\n")
	put(t, module, ".air.toml", airFile)
	put(t, module, "main.go", fmt.Sprintf(watched, 0))
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = module, &out, &out
	cmd.Env = append(os.Environ(), programStore+"="+name, programDir+"="+dir, programStop+"="+bound.String(), "LATER_RELOAD_PROGRAM="+self)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = slack
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, cmd, dir, &out) })
	awaitStarts(t, dir, 1)
	enqueueDeaf(t, name)
	reloads := 0
	every := time.NewTicker(period)
	defer every.Stop()
	for began := time.Now(); time.Since(began) < *whole; {
		<-every.C
		reloads++
		put(t, module, "main.go", fmt.Sprintf(watched, reloads))
		awaitStarts(t, dir, reloads+1)
	}
	completed(t, name, read(readLedger(t, dir)).acknowledged)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	awaitWord(t, dir, stopped, reloads+1)
	if starts := count(t, dir, started); starts != reloads+1 {
		t.Errorf("%d changes have started %d programs", reloads, starts)
	}
	checkHistory(t, name, dir, reloads)
}

func awaitStarts(t *testing.T, dir string, n int) {
	t.Helper()
	awaitWord(t, dir, started, n)
}

// awaitWord waits until the ledger has a word so many times.
func awaitWord(t *testing.T, dir, word string, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if count(t, dir, word) >= n {
			return
		}
	}
	t.Fatalf("the ledger says %q %d times, not %d", word, count(t, dir, word), n)
}

func count(t *testing.T, dir, word string) (n int) {
	t.Helper()
	for _, e := range readLedger(t, dir) {
		if e.word == word {
			n++
		}
	}
	return n
}

// end leaves neither the watcher nor a program behind, and tells what a failed test needs.
func end(t *testing.T, cmd *exec.Cmd, dir string, out *bytes.Buffer) {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done: // what it makes of a signal is its own business
	case <-time.After(stopTime):
		t.Errorf("the watcher has not ended")
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		<-done
	}
	alive := map[int]bool{}
	for _, e := range readLedger(t, dir) {
		alive[e.pid] = e.word != stopped && (alive[e.pid] || e.word == started)
	}
	for pid, is := range alive {
		if is && !errors.Is(syscall.Kill(pid, syscall.SIGKILL), syscall.ESRCH) {
			t.Errorf("process %d was left behind", pid)
		}
	}
	if t.Failed() {
		t.Logf("the watcher said:\n%s", out.String())
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
