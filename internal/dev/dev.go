// Package dev rebuilds and restarts a program whenever its files change, for later dev.
// What runs is replaced only by what builds; it is told to stop and drains, so that its
// unfinished jobs go back to the store untouched, and nothing of it is left behind.
package dev

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say what to run and how.
type Options struct {
	Command []string // go run and what follows it, or any other; nil: go run .
	Dir     string   // where
	Env     []string // further variables for the program: NAME=value
	Also    []string // patterns of names of further files to watch
	Poll    bool     // look again and again, instead of being told by the system

	// Drain is how long a program may take to stop before it is killed. It should be more
	// than its Config.SoftStop and HardStop together.
	Drain time.Duration

	Out, Err io.Writer            // of the program
	Talk     io.Writer            // what dev says
	Built    func(problem string) // called after each build; "": it has passed
	Force    <-chan struct{}      // once ctx has ended: kill the program, wait no longer
}

// What Run refuses.
var (
	ErrCommand  = errors.New("cannot run this")
	ErrNoModule = errors.New("no go.mod here or above: later dev runs a program of a module; later init writes one")
)

// session is one run.
type session struct {
	Options
	command
	binaries string // folder of what was built; removed at the end

	builds   int                // how many were begun
	cancel   context.CancelFunc // of the build under way; nil: none
	builders sync.WaitGroup
	built    chan build
	files    []string // that have changed since the last build that was looked at

	ended   chan ending
	program *process // nil: none runs
	running [sha256.Size]byte
	next    *build // to start when program has ended
}

// build is how a build has ended.
type build struct {
	number  int
	took    time.Duration
	file    string // the program
	sum     [sha256.Size]byte
	problem string // "": it has passed
}

// Run runs the program until ctx ends, and returns when nothing of it is left.
func Run(ctx context.Context, o Options) (err error) {
	s := &session{Options: o, built: make(chan build), ended: make(chan ending)}
	if s.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if s.command, err = parseCommand(s.Dir, s.Command); err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	roots, err := modules(ctx, s.dir)
	if err != nil {
		return err
	}
	if s.binaries, err = os.MkdirTemp("", "later-dev-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.binaries)) }()
	watching, stopWatching := context.WithCancel(ctx)
	changes, watched := make(chan []string), make(chan struct{})
	w := newWatcher(tree{roots, o.Also}, o.Poll, s.say)
	go func() {
		defer close(watched)
		w.run(watching, changes)
	}()
	defer func() {
		stopWatching()
		<-watched
	}()
	s.begin(ctx)
	s.loop(ctx, changes)
	s.shutDown()
	return nil
}

func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.Talk, "later dev: "+format+"\n", args...)
}

func (s *session) loop(ctx context.Context, changes <-chan []string) {
	for {
		select {
		case <-ctx.Done():
			return
		case files := <-changes:
			s.say("%s changed", names(files, s.dir))
			s.files = append(s.files, files...)
			s.begin(ctx)
		case b := <-s.built:
			if b.number == s.builds {
				s.look(b)
			} else { // it was given up
				s.discard(b)
			}
		case end := <-s.ended:
			s.over(end)
		}
	}
}

// begin starts to build, and gives up the build under way.
func (s *session) begin(ctx context.Context) {
	if s.cancel != nil {
		s.cancel()
	}
	s.builds++
	var building context.Context
	building, s.cancel = context.WithCancel(ctx)
	number := s.builds
	s.builders.Go(func() {
		b := s.build(building, number)
		select {
		case s.built <- b:
		case <-ctx.Done():
		}
	})
}

// build makes the program in a new file.
func (s *session) build(ctx context.Context, number int) build {
	began := time.Now()
	b := build{number: number, file: os.DevNull}
	if s.command.built {
		b.file = filepath.Join(s.binaries, strconv.Itoa(number), s.name())
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", b.file}, s.command.build...)...)
	cmd.Dir = s.dir
	err := output(cmd, &said)
	b.took = time.Since(began)
	switch {
	case err != nil:
		if b.problem = strings.TrimSpace(said.String()); b.problem == "" {
			b.problem = err.Error()
		}
	case s.command.built:
		file, err := os.ReadFile(b.file)
		if err != nil {
			b.problem = "the build has made no program: " + err.Error()
		}
		b.sum = sha256.Sum256(file)
	}
	return b
}

// name is what the program is called in the list of processes.
func (s *session) name() string {
	packages := s.command.build[len(s.command.build)-1]
	path := filepath.Join(s.dir, packages)
	name := strings.TrimSuffix(filepath.Base(path), ".go")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name
}

// look decides what becomes of a build.
func (s *session) look(b build) {
	s.cancel()
	s.cancel = nil
	if s.Built != nil {
		s.Built(b.problem)
	}
	if b.problem != "" {
		s.say("the build failed:\n%s", b.problem)
		if s.program != nil && !s.program.stopping {
			s.say("the program that runs goes on; waiting for a change")
		} else if s.program == nil {
			s.say("waiting for a change")
		}
		s.discard(b)
		return
	}
	onlyCode := !slices.ContainsFunc(s.files, func(file string) bool { return filepath.Ext(file) != ".go" })
	s.files = nil
	if s.command.built && onlyCode && s.program != nil && s.next == nil && !s.program.stopping && b.sum == s.running {
		s.say("that makes no difference to the program, which goes on")
		s.discard(b)
		return
	}
	if s.next != nil {
		s.discard(*s.next)
	}
	s.next = &b
	switch {
	case s.program == nil:
		s.start()
	case !s.program.stopping:
		s.say("built in %v; the old program stops, which may take as long as its jobs do (at most %v)", b.took.Round(10*time.Millisecond), s.Drain)
		s.program.stop(s.Drain)
	}
}

// start runs what was built last.
func (s *session) start() {
	b := *s.next
	s.next = nil
	words := s.run
	if s.command.built {
		words = append([]string{b.file}, words...)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.Out, s.Err
	cmd.Env = append(append(os.Environ(), "PWD="+s.dir), s.Env...)
	program, err := launch(cmd, s.ended)
	if err != nil {
		s.say("cannot start the program: %v; waiting for a change", err)
		return
	}
	program.whole = !s.command.built
	s.program, s.running = program, b.sum
	s.say("started process %d", cmd.Process.Pid)
}

// over is called when the program has ended, whoever wanted it.
func (s *session) over(end ending) {
	s.program = nil
	took := time.Since(end.began).Round(time.Millisecond)
	switch {
	case end.stopping && !end.deadline.Stop():
		s.say("the old program did not stop within %v and was killed: its jobs come back when its leases end", s.Drain)
	case end.stopping && end.err != nil:
		s.say("the old program ended with %v", end.err)
	case end.stopping:
	case end.err != nil:
		s.say("the program ended with %v after %v", end.err, took)
	default:
		s.say("the program has ended after %v", took)
	}
	if s.command.built {
		_ = os.RemoveAll(filepath.Dir(end.cmd.Path)) // the folder of all goes at the end
	}
	if s.next != nil {
		s.start()
	} else {
		s.say("waiting for a change")
	}
}

func (s *session) discard(b build) {
	if s.command.built {
		_ = os.RemoveAll(filepath.Dir(b.file)) // the folder of all goes at the end
	}
}

// shutDown ends the build and the program, and waits for them.
func (s *session) shutDown() {
	if s.cancel != nil {
		s.cancel()
	}
	s.builders.Wait()
	if s.program == nil {
		return
	}
	s.say("the program stops (at most %v); ctrl-C again kills it", s.Drain)
	s.program.stop(s.Drain)
	for {
		select {
		case end := <-s.ended:
			s.next = nil
			if !end.deadline.Stop() {
				s.say("the program did not stop within %v and was killed: its jobs come back when its leases end", s.Drain)
			} else if end.err != nil {
				s.say("the program ended with %v", end.err)
			}
			return
		case <-s.Force:
			s.say("killed: its jobs come back when its leases end")
			s.program.kill()
			s.Force = nil
		}
	}
}
