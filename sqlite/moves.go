package sqlite

import (
	"database/sql"
	"time"

	"github.com/laterjobs/later/store"
)

// placed is what is known of a job that is about to move.
type placed struct {
	id, token, process int64
	claimedAt          int64
	queue, jobType     string
	priority           int64
	position           int64 // its place in line; 0: at the end
	attempt, crashes   int64
	unique             bool           // its end frees a unique key
	cause              int64          // of its latest error; 0: none
	cancel             sql.NullString // the reason of a cancel request

	// Where it stands, for people's verbs: one of these.
	finished int64 // its status, if it has finished
	waits    int64 // its kind, if it waits
	ready    bool
	running  bool
}

// moves gathers where the jobs of a batch go, and takes them there in one
// statement for each place.
type moves struct {
	ready    []placed
	waiting  rows
	finished rows
	attempts rows
	causes   rows // of failed jobs
	counts   map[int64]int64
	freed    []int64 // jobs whose end may free a key
}

func (m *moves) toReady(job placed) { m.ready = append(m.ready, job) }

func (m *moves) toWaiting(job placed, kind int64, runAt time.Time, reason string) {
	m.waiting.next()
	m.waiting.int(job.id).int(runAt.UnixMicro()).int(kind).optional(reason)
	m.waiting.text(job.queue).text(job.jobType).int(job.priority).int(job.attempt).int(job.crashes)
	if kind != waitsRetrying {
		job.cause = 0
	}
	m.waiting.orNull(job.cause)
}

// ending is what a job takes along to its end.
type ending struct {
	status     int64
	startedAt  time.Time
	finishedAt time.Time
	result     []byte
	error      string
}

func (m *moves) toFinished(job placed, e ending) {
	m.finished.next()
	m.finished.int(job.id).int(e.status).int(job.attempt).int(job.crashes)
	m.finished.orNull(job.process).orNull(job.token)
	m.finished.time(e.startedAt).time(e.finishedAt).raw(e.result).optional(e.error)
	if m.counts == nil {
		m.counts = map[int64]int64{}
	}
	m.counts[e.status]++
	if e.status == failed && job.cause != 0 {
		m.causes.next()
		m.causes.int(job.id).int(job.cause)
	}
	if job.unique || e.status != completed { // most jobs are completed, and have no key
		m.freed = append(m.freed, job.id)
	}
}

func (m *moves) record(job placed, outcome store.AttemptOutcome, number int64, startedAt, finishedAt time.Time, err, stack string, retries map[string]int, cause int64) {
	m.attempts.next()
	m.attempts.int(job.id).int(job.token).int(number).text(string(outcome)).int(job.process)
	m.attempts.time(startedAt).time(finishedAt).optional(err).optional(stack).optional(store.RetriesText(retries)).orNull(cause)
}

// apply writes everything.
func (m *moves) apply(s *session) error {
	if err := m.lineUp(s); err != nil {
		return err
	}
	for name, r := range map[string]*rows{"wait": &m.waiting, "finish": &m.finished, "record_attempts": &m.attempts} {
		if err := s.execRows(name, r); err != nil {
			return err
		}
	}
	if err := s.execRows("finish_causes", &m.causes); err != nil {
		return err
	}
	if err := s.execIDs(m.freed, "free_keys"); err != nil {
		return err
	}
	for status, n := range m.counts {
		if _, err := s.exec("count_finished", status, n); err != nil {
			return err
		}
	}
	s.wake.Work = s.wake.Work || len(m.ready) > 0 || m.waiting.count > 0
	s.wake.Finished = s.wake.Finished || m.finished.count > 0
	return nil
}

// lineUp puts jobs into the line, those without a place at its end, in their order.
func (m *moves) lineUp(s *session) error {
	if len(m.ready) == 0 {
		return nil
	}
	next, err := s.numbers(len(m.ready))
	if err != nil {
		return err
	}
	var r rows
	for _, job := range m.ready {
		if job.position == 0 {
			job.position = next
			next++
		}
		r.next()
		r.int(job.id).text(job.queue).text(job.jobType).int(job.priority).int(job.position).int(job.attempt).int(job.crashes)
	}
	return s.execRows("line_up", &r)
}

// claims reads claims, by a statement whose columns are those of claims_of_jobs.
func claims(s *session, name string, arg any) ([]placed, error) {
	var found []placed
	err := s.query(name, func(r *sql.Rows) error {
		var c placed
		err := r.Scan(&c.id, &c.token, &c.process, &c.claimedAt, &c.queue, &c.jobType, &c.priority, &c.position, &c.attempt, &c.crashes, &c.cancel)
		found = append(found, c)
		return err
	}, arg)
	return found, err
}

// endClaims takes jobs out of the hands of their processes.
func endClaims(s *session, jobs []placed) error {
	list, asked := make([]int64, len(jobs)), []int64(nil)
	for i, job := range jobs {
		list[i] = job.id
		if job.cancel.Valid {
			asked = append(asked, job.id)
		}
	}
	if err := s.execIDs(list, "end_claims"); err != nil {
		return err
	}
	return s.execIDs(asked, "forget_cancel_requests")
}
