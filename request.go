package later

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

type (
	ProcessRequest = store.Request     // asks something of a live process: see AskProcess
	RequestKind    = store.RequestKind // what is asked
)

// What can be asked of a process.
const (
	RequestDrain  = store.RequestDrain  // claim nothing more, finish what runs, and go on living
	RequestResume = store.RequestResume // claim again
	RequestStack  = store.RequestStack  // where the goroutines of a running job are
)

// AskProcess asks a live process, wherever it runs, to drain, to resume, or for the
// stack of a job that it runs, and returns the request without waiting for the answer:
// see AwaitAnswer. Kind is needed; ProcessID as well, but for a stack, for which JobID is
// enough; By is shown to people. ErrNotFound: there is no such process or job (any more).
// ErrConflict: the job does not run.
func (q *JobQueue) AskProcess(ctx context.Context, r ProcessRequest) (ProcessRequest, error) {
	asked, err := q.askProcess(ctx, r)
	if err != nil {
		return ProcessRequest{}, fmt.Errorf("ask a process: %w", err)
	}
	return asked, nil
}

func (q *JobQueue) askProcess(ctx context.Context, r ProcessRequest) (ProcessRequest, error) {
	switch r.Kind {
	case RequestDrain, RequestResume:
		r.JobID = 0
	case RequestStack:
		job, err := q.Get(ctx, r.JobID)
		if err != nil {
			return r, err
		}
		if job.Status != StatusRunning {
			return r, fmt.Errorf("%w: job %d is %s, and only a running job has a stack", ErrConflict, job.ID, job.Status)
		}
		r.ProcessID = job.ProcessID
	default:
		return r, fmt.Errorf("%w: no process knows the request %q: it is %s, %s or %s", ErrInvalidOption, r.Kind, RequestDrain, RequestResume, RequestStack)
	}
	r.ID, r.By, r.AskedAt = 1+rand.Int64N(1<<62), engine.Printable(r.By, maxReason), q.now()
	r.AnsweredAt, r.Answer = time.Time{}, ""
	return r, q.store.Ask(ctx, r, r.AskedAt)
}

// Answer returns a request with its answer, if it has one by now. An unanswered one
// waits for a minute, and can be read for a quarter of an hour. ErrNotFound: it never
// was, or has been forgotten.
func (q *JobQueue) Answer(ctx context.Context, requestID int64) (ProcessRequest, error) {
	r, err := q.store.Request(ctx, requestID)
	if err != nil {
		return r, fmt.Errorf("request %d: %w", requestID, err)
	}
	return r, nil
}

// answerPoll is how often AwaitAnswer looks. An answer usually comes within 100 ms.
const answerPoll = 50 * time.Millisecond

// errNoAnswer is the end of a request that expired.
var errNoAnswer = errors.New("the process has not answered within a minute: it is gone, hangs, or is older than this program")

// AwaitAnswer waits until a request is answered. A request that nobody answers within a
// minute is an error.
func (q *JobQueue) AwaitAnswer(ctx context.Context, requestID int64) (ProcessRequest, error) {
	ticker := time.NewTicker(answerPoll)
	defer ticker.Stop()
	for {
		r, err := q.Answer(ctx, requestID)
		if err != nil || !r.AnsweredAt.IsZero() {
			return r, err
		}
		if r.Expired(q.now()) {
			return r, fmt.Errorf("request %d: %w", requestID, errNoAnswer)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return r, fmt.Errorf("wait for the answer to request %d: %w", requestID, context.Cause(ctx))
		}
	}
}
