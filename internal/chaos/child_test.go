package chaos

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
)

// A child is this test binary, started again as a process that works. These are
// the variables that tell it what to do.
const (
	childStore   = "LATER_CHAOS_STORE"   // the store to work on: a file, or the URL of a server
	childProduce = "LATER_CHAOS_PRODUCE" // set: it enqueues jobs as well
)

// What a child writes to its standard output, each with the id of a job.
const (
	acknowledged = "acknowledged" // PerformLater has returned
	began        = "began"        // the handler was called
	committing   = "committing"   // the handler is about to commit
)

type args struct {
	Block bool `json:"block"` // until the context ends
}

var work = later.Define[args]("Work")

func TestMain(m *testing.M) {
	name := os.Getenv(childStore)
	if name == "" {
		pgtest.Main(m)
	}
	if err := child(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child works until it is told to stop.
func child(name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	queue, closeStore, err := queueOn(ctx, name)
	if err != nil {
		return err
	}
	defer closeStore()
	if os.Getenv(childProduce) != "" {
		go produce(ctx, queue)
	}
	return queue.Run(ctx)
}

// queueOn opens a store. On a file wake-ups have to do: it polls once an hour. On a
// server the message about a job dies with the process that has stored it.
func queueOn(ctx context.Context, name string) (*later.JobQueue, func() error, error) {
	if !strings.HasPrefix(name, "postgres://") {
		s, err := sqlite.Open(name)
		if err != nil {
			return nil, nil, err
		}
		queue := later.New(s, later.Config{PollInterval: time.Hour})
		queue.Register(work.Do(perform))
		return queue, s.Close, nil
	}
	s, err := postgres.Open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	queue := later.New(s, later.Config{PollInterval: time.Second})
	queue.Register(work.Do(perform), tally.Do(count(s)))
	return queue, s.Close, nil
}

func perform(ctx context.Context, a args) error {
	say(began, later.Running(ctx).ID)
	if a.Block {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	<-time.After(3 * time.Millisecond) // so that kills meet jobs in hand
	return nil
}

func produce(ctx context.Context, queue *later.JobQueue) {
	for ctx.Err() == nil {
		job, err := work.PerformLater(ctx, queue, args{})
		if err != nil {
			return
		}
		say(acknowledged, job.ID)
		<-time.After(5 * time.Millisecond)
	}
}

// say writes one line at once: what is in a buffer dies with the process.
func say(word string, id int64) { fmt.Fprintf(os.Stdout, "%s %d\n", word, id) }

// A process is a child under way.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	mu     sync.Mutex
	ids    map[string][]int64 // by word
	spoken *sync.Cond
	ended  bool
}

// spawn starts a child. It is killed when the test ends, if not before.
func spawn(t testing.TB, path string, produces bool) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0]), ids: map[string][]int64{}}
	p.spoken = sync.NewCond(&p.mu)
	p.cmd.Env = append(os.Environ(), childStore+"="+path)
	if produces {
		p.cmd.Env = append(p.cmd.Env, childProduce+"=yes")
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.hear(bufio.NewScanner(out))
	t.Cleanup(p.kill)
	return p
}

func (p *process) hear(lines *bufio.Scanner) {
	for lines.Scan() {
		word, number, _ := strings.Cut(lines.Text(), " ")
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			p.t.Errorf("a child said %q", lines.Text())
			continue
		}
		p.mu.Lock()
		p.ids[word] = append(p.ids[word], id)
		p.mu.Unlock()
		p.spoken.Broadcast()
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.spoken.Broadcast()
}

// said returns the ids that the child has said with a word.
func (p *process) said(word string) []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[word]
}

// await waits until the child has said a word, n times, or ended.
func (p *process) await(word string, n int) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.ids[word]) < n {
		if p.ended {
			p.t.Fatalf("the child ended before it said %q %d times", word, n)
		}
		p.spoken.Wait()
	}
}

// kill ends the child without a chance to tidy up, and waits for its end.
func (p *process) kill() { p.end(syscall.SIGKILL) }

// stop asks the child to stop, and waits for its end.
func (p *process) stop() { p.end(syscall.SIGTERM) }

func (p *process) end(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal) // it may have ended
	p.mu.Lock()
	for !p.ended {
		p.spoken.Wait()
	}
	p.mu.Unlock()
	_ = p.cmd.Wait()
}
