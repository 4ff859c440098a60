package latertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// errCrashed is why the draining of a process ends that has crashed.
var errCrashed = errors.New("latertest.Crash")

// Crash lets the process that performs ctx's job die at this point, as the power cut of
// its machine would: the attempt has no outcome. Drain then goes on as another process.
// It takes the job back, which counts as a crash and not as an attempt, and performs it
// again; after five crashes the job is failed.
//
// Crash is called by the test's part of a handler, such as a fake of what it calls, and
// does not return: it panics. Deferred functions run nevertheless, other than in a real
// crash; what they tell the JobQueue comes too late. The JobQueue must be one of New or
// NewOn, and Drain must perform the job.
func Crash(ctx context.Context) {
	d, drains := ctx.Value(drainingKey{}).(*draining)
	job := later.Running(ctx)
	if !drains || job.ID == 0 {
		panic("latertest: Crash needs the context of a job that latertest.Drain performs")
	}
	k, ok := queues.Load(d.queue)
	if !ok {
		panic("latertest: Crash needs a JobQueue of latertest.New or latertest.NewOn")
	}
	if err := declareDead(context.WithoutCancel(ctx), k.(*known).store, job.Job); err != nil {
		panic(fmt.Errorf("latertest: Crash: %w", err))
	}
	d.die(errCrashed)
	panic(errCrashed)
}

// InterruptAt lets the process crash, as Crash does, the next time a job reaches the step
// of that name, before its function is run. Steps that are done by then stay done, so
// that a test sees which parts of a job are performed again. Called twice it interrupts
// twice. A step that is never reached fails the test.
func InterruptAt(t testing.TB, queue *later.JobQueue, step string) {
	t.Helper()
	found, ok := queues.Load(queue)
	if !ok {
		t.Fatal("latertest: InterruptAt needs a JobQueue of latertest.New or latertest.NewOn")
	}
	k := found.(*known)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.interrupts == nil {
		k.interrupts = map[string]int{}
	}
	k.interrupts[step]++
	t.Cleanup(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.interrupts[step] > 0 {
			t.Errorf("no job has reached the step %q to be interrupted there", step)
			k.interrupts[step] = 0
		}
	})
}

// step is the middleware that interrupts.
func (k *known) step(ctx context.Context, _ *later.RunningJob, step string, next func(context.Context) error) error {
	k.mu.Lock()
	due := k.interrupts[step] > 0
	if due {
		k.interrupts[step]--
	}
	k.mu.Unlock()
	if due {
		Crash(ctx)
	}
	return next(ctx)
}

// declareDead does with the job's process what others do that have watched its silence
// for long enough. Its jobs are taken back, and its outcomes superseded.
func declareDead(ctx context.Context, s store.Store, job later.Job) error {
	for {
		processes, err := s.Processes(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(processes, func(p store.Process) bool { return p.ID == job.ProcessID })
		if i < 0 {
			return nil // a beat between the two verbs would have kept it alive
		}
		if _, err := s.Recover(ctx, []store.Silent{{ProcessID: job.ProcessID, Beat: processes[i].Beat}}, time.Time{}); err != nil {
			return err
		}
	}
}
