package later

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// Get returns a job as it is now. ErrNotFound: it never existed, or was pruned
// or deleted.
func (q *JobQueue) Get(ctx context.Context, id int64) (Job, error) {
	job, err := q.store.Get(ctx, id)
	if err != nil {
		return Job{}, fmt.Errorf("job %d: %w", id, err)
	}
	return job, nil
}

// List returns the jobs that f selects, newest first: at most f.Limit, 100 by
// default. For the next page set f.Before to the id of the last job. It looks through
// the whole history if it must: see Search.
func (q *JobQueue) List(ctx context.Context, f Filter) ([]Job, error) {
	jobs, err := q.store.List(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return jobs, nil
}

// Search is List for people who wait for a page: what an index answers (ids, status, type,
// user, target) it finds however old it is; whatever else f asks for it looks for in the
// newest 100,000 of those jobs, for about 250 ms at most, unless a Reach says how far. Found
// says how far it has looked, and with which f.Before to go on.
func (q *JobQueue) Search(ctx context.Context, f Filter, reach ...Reach) (Found, error) {
	found, err := q.store.Search(ctx, f, cmp.Or(reach...))
	if err != nil {
		return Found{}, fmt.Errorf("search for jobs: %w", err)
	}
	return found, nil
}

// Attempts returns the performings of a job that have ended, oldest first, with their
// times and errors: also those that were postponed or that a crash ended, but not those
// that were given back. Of those that completed only the last is known, and only until a
// person retries the job. ErrNotFound: see Get.
func (q *JobQueue) Attempts(ctx context.Context, id int64) ([]Attempt, error) {
	job, err := q.Get(ctx, id) // first: what ends after this is a row
	if err != nil {
		return nil, err
	}
	attempts, err := q.store.Attempts(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("attempts of job %d: %w", id, err)
	}
	if job.Status == StatusCompleted {
		attempts = append(attempts, Attempt{
			JobID: id, Number: job.Attempt, Outcome: AttemptCompleted, ProcessID: job.ProcessID,
			StartedAt: job.StartedAt, FinishedAt: job.FinishedAt,
		})
	}
	return attempts, nil
}

// Log returns what a job has logged through RunningJob.Logger, oldest first.
func (q *JobQueue) Log(ctx context.Context, id int64) ([]LogLine, error) {
	lines, err := q.store.Log(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("log of job %d: %w", id, err)
	}
	return lines, nil
}

// Steps returns what a job has saved by Step, Do, Cursor and Sleep, oldest first. Fields of
// results that are tagged `later:"redact"` are blanked.
func (q *JobQueue) Steps(ctx context.Context, id int64) ([]JobStep, error) {
	steps, err := q.store.Steps(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("steps of job %d: %w", id, err)
	}
	for i := range steps {
		steps[i].Result = redactStep(steps[i].Result)
	}
	return steps, nil
}

// Processes returns the processes that work on the store, oldest first.
func (q *JobQueue) Processes(ctx context.Context) ([]Process, error) {
	processes, err := q.store.Processes(ctx)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return processes, nil
}

// Stats counts the jobs per status, and per queue with the age of the oldest. It costs
// little, however many jobs there are: of those that have not finished it counts 10,000
// of each queue and status, and says where there may be more: see store.CountedTo.
func (q *JobQueue) Stats(ctx context.Context) (Stats, error) {
	stats, err := q.store.Stats(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("count jobs: %w", err)
	}
	return stats, nil
}

// Revision returns a text that differs from every one before if anything that is stored
// has changed since, in whatever process. It may differ although nothing has: every
// heartbeat of a process is a change. It is cheap enough to ask every second, for whoever
// wants to show what is new without reading it again and again.
func (q *JobQueue) Revision(ctx context.Context) (string, error) {
	revision, err := q.store.Revision(ctx)
	if err != nil {
		return "", fmt.Errorf("look for changes: %w", err)
	}
	return revision, nil
}

// KnownTypes returns what is known of types, by name: those that processes have
// published, with their defaults, schemas and descriptions, and those that have a
// handler here. SeenAt is zero for one that nobody has published yet.
func (q *JobQueue) KnownTypes(ctx context.Context) ([]store.JobType, error) {
	published, err := q.store.Types(ctx)
	if err != nil {
		return nil, fmt.Errorf("known types: %w", err)
	}
	known := map[string]store.JobType{}
	for _, t := range published {
		known[t.Name] = t
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range q.jobTypes() {
		t := q.handlers[name].definition.jobType()
		t.SeenAt = known[name].SeenAt
		known[name] = t
	}
	return slices.SortedFunc(maps.Values(known), func(a, b store.JobType) int { return strings.Compare(a.Name, b.Name) }), nil
}

// Rollups returns what became of the jobs in a time, in spans of at least a minute, by
// queue and type, or summed: what charts are drawn from. Processes add to them once a
// minute.
func (q *JobQueue) Rollups(ctx context.Context, f RollupFilter) ([]store.Rollup, error) {
	rollups, err := q.store.Rollups(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list rollups: %w", err)
	}
	return rollups, nil
}

// Arrivals counts the jobs that were enqueued in the last five minutes, per queue, by
// whatever process, program or statement. It costs little: it looks at the newest 10,000
// jobs, and says over what time that was. store.Flows makes rates of it.
func (q *JobQueue) Arrivals(ctx context.Context) (store.Arrivals, error) {
	arrivals, err := q.store.Arrivals(ctx, time.Time{})
	if err != nil {
		return store.Arrivals{}, fmt.Errorf("count what arrives: %w", err)
	}
	return arrivals, nil
}

// JobTypes returns the names of the types that this JobQueue has handlers for,
// sorted, without former names.
func (q *JobQueue) JobTypes() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.jobTypes()
}

func (q *JobQueue) jobTypes() []string {
	names := slices.Sorted(maps.Keys(q.handlers))
	return slices.DeleteFunc(names, func(name string) bool { return q.handlers[name].definition.name != name })
}

// waitPoll is how often Wait looks when nothing wakes it.
const waitPoll = time.Second

// Wait returns the job once it is finished, in whatever process that happens. It
// waits out a store that cannot be reached. Many may wait at once: they share what that
// costs.
// ErrNotFound: it does not exist (any more).
func (q *JobQueue) Wait(ctx context.Context, id int64) (Job, error) {
	ctx, stopListening := context.WithCancel(ctx)
	defer stopListening()
	wakes, err := q.wakes(ctx)
	if err != nil {
		return Job{}, fmt.Errorf("wait for job %d: %w", id, err)
	}
	poll := time.NewTicker(waitPoll)
	defer poll.Stop()
	for {
		finished := q.finished.next()
		job, err := q.look(ctx, id)
		if ctx.Err() != nil {
			return Job{}, fmt.Errorf("wait for job %d: %w", id, context.Cause(ctx))
		}
		if unavailable := errors.Is(err, ErrUnavailable); !unavailable && (err != nil || job.Status.Finished()) {
			return job, err
		}
		select {
		case <-finished:
		case <-wakes:
		case <-poll.C:
		case <-ctx.Done():
			return Job{}, fmt.Errorf("wait for job %d: %w", id, context.Cause(ctx))
		}
	}
}

// wakes listens to the store, unless this JobQueue works: then its engine does.
func (q *JobQueue) wakes(ctx context.Context) (<-chan store.Wake, error) {
	q.mu.Lock()
	working := q.engine != nil
	q.mu.Unlock()
	if working {
		return nil, nil
	}
	return q.store.Listen(ctx)
}

// Status is this process at a glance.
type Status struct {
	Working      bool          `json:"working"` // started, and not stopped
	Stopping     bool          `json:"stopping"`
	Draining     bool          `json:"draining,omitempty"` // claims nothing more until it is asked to resume: see AskProcess
	ProcessID    int64         `json:"process_id,omitempty"`
	PollInterval time.Duration `json:"poll_interval"`
	Slots        Slots         `json:"slots"`
	Queues       []QueueSlots  `json:"queues"`  // by name; one without a name if all queues share the slots
	Claimed      int           `json:"claimed"` // taken from the queue, waiting for a slot
	Running      []RunningInfo `json:"running"` // oldest first
	Types        []string      `json:"types"`   // as JobTypes
}

// Slots counts what can run at once.
type Slots struct {
	Max  int `json:"max"`
	Used int `json:"used"`
	Free int `json:"free"`
}

// QueueSlots is the slots of one queue.
type QueueSlots struct {
	Queue string `json:"queue"`
	Slots
}

// RunningInfo is a job that runs in this process.
type RunningInfo struct {
	ID        int64         `json:"id"`
	Type      string        `json:"type"`
	Queue     string        `json:"queue"`
	Attempt   int           `json:"attempt"`
	StartedAt time.Time     `json:"started_at"`
	Age       time.Duration `json:"age"`   // nanoseconds since StartedAt
	Stuck     bool          `json:"stuck"` // ignores the end of its context
}

// Status describes this process. It asks no database.
func (q *JobQueue) Status() Status {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Status{PollInterval: q.settings.PollInterval, Types: q.jobTypes()}
	if q.engine == nil {
		return s
	}
	now, of := time.Now(), q.engine.Status()
	s.Working, s.Stopping, s.Draining, s.ProcessID, s.Claimed = true, of.Stopping, of.Draining, of.ProcessID, of.Claimed
	for _, queue := range of.Queues {
		slots := Slots{queue.Max, queue.Used, max(0, queue.Max-queue.Used)}
		s.Queues = append(s.Queues, QueueSlots{queue.Queue, slots})
		s.Slots.Max += slots.Max
		s.Slots.Used += slots.Used
		s.Slots.Free += slots.Free
	}
	for _, job := range of.Running {
		s.Running = append(s.Running, RunningInfo{
			job.ID, job.Type, job.Queue, job.Attempt, job.StartedAt, now.Sub(job.StartedAt), job.Stuck,
		})
	}
	return s
}
