//go:build unix

package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/laterjobs/later/internal/faultyfs"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// worker is the process that claims in these tests.
const worker = 1

// asked says that a job or an outcome is on its way: from now on it may be there.
type asked struct {
	args    []string // of jobs
	deleted []int64
}

// answered says that the store has answered: from now on it must be there.
type answered struct {
	jobs     map[int64]string // arguments by id
	finished map[int64]ended
	retried  []int64
	deleted  []int64
}

// ended is how a job was finished.
type ended struct {
	status store.JobStatus
	result string
}

// phase says what the run does next.
type phase string

// witness does what users do and notes what it was promised.
type witness struct {
	store *sqlite.Store
	note  func(mark any)

	mu    sync.Mutex
	n     int
	token int64
}

// jobs are new ones, each told from all others by its arguments.
func (w *witness) jobs(n, size int) []store.NewJob {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]store.NewJob, n)
	for i := range list {
		w.n++
		args := fmt.Sprintf(`{"n":%d,"pad":%q}`, w.n, strings.Repeat("x", size))
		list[i] = store.NewJob{Type: "MyJob", Queue: "default", Args: json.RawMessage(args), MaxRetries: 3}
	}
	return list
}

// enqueue stores jobs and returns their ids.
func (w *witness) enqueue(jobs []store.NewJob) ([]int64, error) {
	question, answer := asked{}, answered{jobs: map[int64]string{}}
	for _, job := range jobs {
		question.args = append(question.args, string(job.Args))
	}
	w.note(question)
	stored, err := w.store.Enqueue(context.Background(), jobs, time.Now())
	if err != nil {
		return nil, err
	}
	var ids []int64
	for i, job := range stored {
		ids = append(ids, job.ID)
		answer.jobs[job.ID] = string(jobs[i].Args)
	}
	w.note(answer)
	return ids, nil
}

func (w *witness) claim(limit int) ([]store.Job, error) {
	w.mu.Lock()
	w.token++
	token := w.token
	w.mu.Unlock()
	return w.store.Claim(context.Background(), store.Demand{ProcessID: worker, Token: token, Types: []string{"MyJob"}, Limit: limit}, time.Now())
}

// finish ends jobs, each in another way.
func (w *witness) finish(jobs []store.Job) error {
	outcomes := make([]store.Outcome, len(jobs))
	answer := answered{finished: map[int64]ended{}}
	for i, job := range jobs {
		o := store.Outcome{JobID: job.ID, Token: job.Token}
		switch job.ID % 5 {
		case 0:
			o.Kind, o.Error, o.Stack = store.Fail, "it is broken", "a stack"
			answer.finished[job.ID] = ended{status: store.Failed}
		case 1:
			o.Kind, o.Error, o.RunAt = store.Retry, "try again", time.Now().Add(time.Hour)
			answer.retried = append(answer.retried, job.ID)
		case 2:
			o.Kind = store.Release
		default:
			o.Kind, o.Result = store.Complete, json.RawMessage(fmt.Sprintf(`{"result":%d}`, job.ID))
			answer.finished[job.ID] = ended{store.Completed, string(o.Result)}
		}
		outcomes[i] = o
	}
	verdicts, err := w.store.Finish(context.Background(), outcomes, time.Now())
	if err != nil {
		return err
	}
	for i, verdict := range verdicts {
		if verdict == store.Superseded {
			return fmt.Errorf("outcome of job %d superseded", outcomes[i].JobID)
		}
	}
	w.note(answer)
	return nil
}

// remove deletes jobs that do not run.
func (w *witness) remove(ids []int64) error {
	w.note(asked{deleted: ids})
	deleted, err := w.store.Delete(context.Background(), store.Filter{IDs: ids}, nil)
	if err == nil {
		w.note(answered{deleted: deleted})
	}
	return err
}

// promises are what was asked and answered until some moment.
type promises struct {
	asked   map[string]bool // arguments of jobs that may be there
	gone    map[int64]bool  // ids of jobs that may not be there
	deleted map[int64]bool  // ids of jobs that must not be there
	answered
}

func newPromises() *promises {
	return &promises{
		asked: map[string]bool{}, gone: map[int64]bool{}, deleted: map[int64]bool{},
		answered: answered{jobs: map[int64]string{}, finished: map[int64]ended{}},
	}
}

// promisesOf adds up the marks of a recording.
func promisesOf(ops []faultyfs.Op) *promises {
	p := newPromises()
	for _, op := range ops {
		if op.Kind == faultyfs.Mark {
			p.note(op.Mark)
		}
	}
	return p
}

func (p *promises) note(mark any) {
	switch mark := mark.(type) {
	case asked:
		for _, args := range mark.args {
			p.asked[args] = true
		}
		for _, id := range mark.deleted {
			p.gone[id] = true
		}
	case answered:
		for id, args := range mark.jobs {
			p.jobs[id] = args
		}
		for id, end := range mark.finished {
			p.finished[id] = end
		}
		p.retried = append(p.retried, mark.retried...)
		for _, id := range mark.deleted {
			p.deleted[id] = true
		}
	}
}

// check compares a store with what it has promised, and lets it work on.
func (p *promises) check(s *sqlite.Store) error {
	if err := sound(s); err != nil {
		return err
	}
	jobs, err := s.List(context.Background(), store.Filter{Limit: 10_000})
	if err != nil {
		return err
	}
	found := make(map[int64]store.Job, len(jobs))
	var wrong []error
	for _, job := range jobs {
		found[job.ID] = job
		if !p.asked[string(job.Args)] {
			wrong = append(wrong, fmt.Errorf("job %d was never enqueued: %.100s", job.ID, job.Args))
		}
		if p.deleted[job.ID] {
			wrong = append(wrong, fmt.Errorf("job %d had been deleted", job.ID))
		}
	}
	for id, args := range p.jobs {
		if job, ok := found[id]; ok && string(job.Args) != args {
			wrong = append(wrong, fmt.Errorf("job %d has the arguments %.100s, enqueued with %.100s", id, job.Args, args))
		} else if !ok && !p.gone[id] {
			wrong = append(wrong, fmt.Errorf("job %d is lost", id))
		}
	}
	for id, end := range p.finished {
		job, ok := found[id]
		if ok && (job.Status != end.status || string(job.Result) != end.result) {
			wrong = append(wrong, fmt.Errorf("job %d is %s with result %s, had been %s with %s", id, job.Status, job.Result, end.status, end.result))
		}
	}
	for _, id := range p.retried {
		attempts, err := s.Attempts(context.Background(), id)
		if err != nil || len(attempts) == 0 && found[id].ID != 0 {
			wrong = append(wrong, fmt.Errorf("job %d has lost the attempt that failed, %v", id, err))
		}
	}
	return errors.Join(append(wrong, p.workOn(s))...)
}

// sound: the file is whole, each job is in one place, and the counters are right.
func sound(s *sqlite.Store) error {
	var verdict string
	if err := s.DB().QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return fmt.Errorf("integrity_check: %s, %v", verdict, err)
	}
	for what, query := range map[string]string{
		"jobs that are not in one place": `SELECT count(*) FROM later_job AS j WHERE 1 <>
			(SELECT count(*) FROM later_waiting WHERE job_id = j.id) + (SELECT count(*) FROM later_ready WHERE job_id = j.id) +
			(SELECT count(*) FROM later_claimed WHERE job_id = j.id) + (SELECT count(*) FROM later_finished WHERE job_id = j.id)`,
		"places without a job": `SELECT count(*) FROM (SELECT job_id FROM later_waiting UNION ALL SELECT job_id FROM later_ready
			UNION ALL SELECT job_id FROM later_claimed UNION ALL SELECT job_id FROM later_finished)
			WHERE job_id NOT IN (SELECT id FROM later_job)`,
		"counters that are wrong": `SELECT count(*) FROM later_count AS c
			WHERE jobs <> (SELECT count(*) FROM later_finished AS f WHERE f.status = c.status)`,
	} {
		var n int
		if err := s.DB().QueryRow(query).Scan(&n); err != nil || n != 0 {
			return fmt.Errorf("%d %s, %v", n, what, err)
		}
	}
	return nil
}

// workOn: another process takes back what the dead one had, performs a job, and is
// not given an id that was given out before.
func (p *promises) workOn(s *sqlite.Store) error {
	w := &witness{store: s, note: func(any) {}, n: 1_000_000, token: 1_000_000}
	fresh, err := w.enqueue(w.jobs(1, 10))
	if err != nil {
		return fmt.Errorf("enqueue after the crash: %w", err)
	}
	for id := range p.jobs {
		if id >= fresh[0] {
			return fmt.Errorf("id %d was given out after %d", fresh[0], id)
		}
	}
	if _, err := s.Recover(context.Background(), nil, time.Now()); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	claimed, err := w.claim(10_000)
	if err != nil || !slices.ContainsFunc(claimed, func(job store.Job) bool { return job.ID == fresh[0] }) {
		return fmt.Errorf("the new job is not among the %d claimed ones, %v", len(claimed), err)
	}
	if err := w.finish(claimed); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return sound(s)
}
