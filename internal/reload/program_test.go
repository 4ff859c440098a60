package reload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// The program under reload is this test binary, started again. These variables tell
// it what to do.
const (
	programStore = "LATER_RELOAD_STORE" // a file, or the URL of a server
	programDir   = "LATER_RELOAD_DIR"   // of the ledger, and of what jobs save
	programStop  = "LATER_RELOAD_STOP"  // its soft and its hard timeout, each
)

func TestMain(m *testing.M) {
	name := os.Getenv(programStore)
	if name == "" {
		pgtest.Main(m)
	}
	if err := program(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type napArgs struct {
	Milliseconds int `json:"milliseconds"`
}

// The jobs: nap begins anew when it is interrupted, walk saves how far it came, deaf
// does not listen to anybody.
var (
	nap  = later.Define[napArgs]("Nap", later.MaxRetries(0))
	walk = later.Define[napArgs]("Walk", later.MaxRetries(0))
	deaf = later.Define[napArgs]("Deaf", later.MaxRetries(0))
)

// step is how long a walk takes between two looks around.
const step = 50 * time.Millisecond

// program works until it gets a signal, then stops as it should; a second signal
// takes its patience. It enqueues jobs meanwhile, as most programs do.
func program(name string) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	s, err := openStore(name)
	if err != nil {
		return err
	}
	defer s.Close()
	dir := os.Getenv(programDir)
	out, err := openLedger(dir)
	if err != nil {
		return err
	}
	timeout, err := time.ParseDuration(os.Getenv(programStop))
	if err != nil {
		return err
	}
	queue := later.New(s, later.Config{Concurrency: 10, SoftStop: timeout, HardStop: timeout})
	w := worker{ledger: out, dir: dir}
	queue.Register(nap.Do(w.nap), walk.Do(w.walk), deaf.Do(w.deaf))
	if err := queue.Start(context.Background()); err != nil {
		return err
	}
	out.say(started, 0, 0)
	producing, stopProducing := context.WithCancel(context.Background())
	go w.produce(producing, queue)

	<-signals
	stopProducing()
	patience, lose := context.WithCancel(context.Background())
	go func() {
		<-signals
		lose()
	}()
	report, err := queue.Stop(patience)
	out.say(stopped, 0, int(report.Took.Milliseconds()))
	return err
}

func openStore(name string) (store.Store, error) {
	if strings.HasPrefix(name, "postgres://") {
		return postgres.Open(context.Background(), name)
	}
	return sqlite.Open(name)
}

// worker is what the handlers of the program need.
type worker struct {
	*ledger
	dir string
}

func (w worker) begin(ctx context.Context) (job *later.RunningJob, end func()) {
	job = later.Running(ctx)
	w.say(began, job.ID, job.Attempt)
	return job, func() { w.say(ended, job.ID, job.Attempt) }
}

func (w worker) nap(ctx context.Context, args napArgs) error {
	_, end := w.begin(ctx)
	defer end()
	select {
	case <-time.After(time.Duration(args.Milliseconds) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// walk goes on from where its last process has left it.
func (w worker) walk(ctx context.Context, args napArgs) error {
	job, end := w.begin(ctx)
	defer end()
	file := filepath.Join(w.dir, fmt.Sprint("walk-", job.ID))
	done := 0
	if saved, err := os.ReadFile(file); err == nil {
		done, _ = strconv.Atoi(string(saved))
	}
	for ; done < args.Milliseconds/int(step.Milliseconds()); done++ {
		select {
		case <-time.After(step):
			w.say(stepped, job.ID, done)
		case <-job.Stopping():
			if err := os.WriteFile(file, []byte(strconv.Itoa(done)), 0o600); err != nil {
				return err
			}
			return fmt.Errorf("saved at step %d: %w", done, later.ErrStopping)
		}
	}
	return nil
}

func (w worker) deaf(ctx context.Context, args napArgs) error {
	w.say(deafened, later.Running(ctx).ID, 0)
	<-time.After(time.Duration(args.Milliseconds) * time.Millisecond)
	return nil
}

// produce enqueues until the process stops. What was acknowledged goes into the
// ledger; an enqueue that the stop has met may or may not be stored.
func (w worker) produce(ctx context.Context, queue *later.JobQueue) {
	for ctx.Err() == nil {
		job, err := anyJob(ctx, queue)
		if err == nil {
			w.say(acknowledged, job.ID, 0)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// anyJob enqueues a job of 10 ms to 5 s, most of them short.
func anyJob(ctx context.Context, queue *later.JobQueue) (later.Job, error) {
	args := napArgs{Milliseconds: 10 + rand.IntN(200)}
	switch rand.IntN(10) {
	case 0:
		args.Milliseconds = 1000 + rand.IntN(4000)
		return walk.PerformLater(ctx, queue, args)
	case 1:
		args.Milliseconds = 1000 + rand.IntN(4000)
	}
	return nap.PerformLater(ctx, queue, args)
}
