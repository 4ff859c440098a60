package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestRowsThatSomebodyBroke: hostile SQL spoils the rows of one job, or of one
// process; the others go on.
func TestRowsThatSomebodyBroke(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a job is gone":                  `DELETE FROM later.job WHERE id = 1`,
		"jobs are gone from their lines": `DELETE FROM later.ready WHERE job_id = 1; DELETE FROM later.waiting WHERE job_id = 2`,
		"tags without a text":            `UPDATE later.job SET tags = ARRAY[NULL, 'a']`,
		"tags in two dimensions":         `UPDATE later.job SET tags = ARRAY[['a', 'b'], ['c', 'd']]`,
		"no tag":                         `UPDATE later.job SET tags = '{}'`,
		"arguments and metadata":         `UPDATE later.job SET args = 'null', metadata = '[1, "\u0000"]'`,
		"numbers":                        `UPDATE later.job SET max_retries = -1, timeout_us = -9223372036854775808, priority = -32768`,
		"empty texts":                    `UPDATE later.job SET type = '', queue = '', user_id = '', target_id = ''`,
		"queued never":                   `UPDATE later.job SET queued_at = 'infinity', scheduled_at = '-infinity'`,
		"queued before time":             `UPDATE later.job SET queued_at = '4713-01-01 BC', scheduled_at = '294276-12-31'`,
		"due never":                      `UPDATE later.waiting SET run_at = 'infinity' WHERE job_id = 2`,
		"due for ever":                   `UPDATE later.waiting SET run_at = '-infinity' WHERE job_id = 2`,
		"due before time":                `UPDATE later.waiting SET run_at = '4713-01-01 BC' WHERE job_id = 2`,
		"due in a distant time":          `UPDATE later.waiting SET run_at = '294276-12-31' WHERE job_id = 2`,
		"unknown kinds":                  `UPDATE later.waiting SET kind = 99; UPDATE later.finished SET status = 99; INSERT INTO later.count VALUES (99, 1), (1, -7)`,
		"claimed for ever":               `UPDATE later.claimed SET claimed_at = '-infinity', cancel_reason = ''`,
		"claimed by nobody":              `UPDATE later.claimed SET process_id = 0, token = 0`,
		"counters":                       `UPDATE later.ready SET attempt = 1000000, crashes = 1000000; UPDATE later.claimed SET attempt = -1, crashes = -1`,
		"finished never":                 `UPDATE later.finished SET finished_at = 'infinity', started_at = 'infinity', process_id = NULL, token = NULL`,
		"queues of a process":            `UPDATE later.process SET queues = '[1]', state = 'odd', started_at = 'infinity', beat_at = '-infinity', pid = -1, clock_ahead_us = -9223372036854775808`,
		"progress":                       `UPDATE later.progress SET done = -1, total = -1, at = 'infinity'`,
		"a log":                          `UPDATE later.log SET attrs = '[]', at = 'infinity', level = ''`,
		"attempts":                       `UPDATE later.attempt SET outcome = 'odd', number = -1, started_at = NULL, finished_at = 'infinity'`,
		"what rules have counted":        `UPDATE later.attempt SET rule_retries = '[1, "\u0000"]', outcome = 'retried'; UPDATE later.ready SET attempt = 1`,
		"options":                        `UPDATE later.job SET options = '{"start_by": 7, "carried": [], "finish_by": "-0001-01-01T00:00:00Z"}'`,
		"deadlines of types":             `UPDATE later.job_type SET start_within_us = -9223372036854775808, finish_within_us = 9223372036854775807`,
		"types":                          `UPDATE later.job_type SET schema = '3', seen_at = 'infinity'`,
		"queues":                         `INSERT INTO later.queue VALUES ('', 'infinity', ''), ('other', '-infinity', '')`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			own := ownSchema(t, url)
			s := open(t, url, postgres.Schema(own))
			m := mover{t: t, s: s, now: s.Now()}
			aFewJobs(&m)
			exec(t, url, strings.ReplaceAll(statement, "later.", own+"."))
			othersGoOn(&m)
		})
	}
}

// aFewJobs stores jobs 1 to 6: ready, waiting, claimed, finished, failed, retrying.
func aFewJobs(m *mover) {
	types := []store.JobType{{Name: "Type0", Queue: "default", Schema: []byte(`{}`)}}
	m.must(m.s.Join(m.t.Context(), store.Process{ID: 5, Host: "elsewhere", StartedAt: m.now, Queues: map[string]int{"default": 1}, Types: types}, m.now))
	m.enqueue(5)
	m.cancel(len(m.ids) - 1) // so that nothing waits but what is broken
	m.claim(2)
	line := store.LogLine{Attempt: 1, At: m.now, Level: "INFO", Message: "hello", Attrs: []byte(`{"n":1}`)}
	m.must(m.s.Report(m.t.Context(), []store.Report{{JobID: m.ids[2], Token: m.ids[2], Lines: []store.LogLine{line}}}, m.now))
	m.end(1, store.Outcome{Kind: store.Postpone, RunAt: m.now.Add(-time.Second), Error: "not yet open"})
	m.end(3, store.Outcome{Kind: store.Complete, Result: []byte(`1`)})
	m.end(4, store.Outcome{Kind: store.Fail, Error: "gave up"})
}

// othersGoOn puts new jobs through every verb. Whatever the broken ones do, the new
// ones come to their end.
func othersGoOn(m *mover) {
	m.t.Helper()
	ctx, now := m.t.Context(), m.s.(store.Clock).Now()
	stored, err := m.s.Enqueue(ctx, []store.NewJob{plain, {Type: "MyJob", Queue: "default", Args: []byte("2"), RunAt: now.Add(time.Millisecond)}}, now)
	m.must(err)
	_, err = m.s.Promote(ctx, 100, now.Add(time.Second))
	m.must(err)
	var outcomes []store.Outcome
	for range 3 { // who claims a job that is gone gets fewer
		claimed, err := m.s.Claim(ctx, store.Demand{ProcessID: 5, Token: 7, Types: []string{"MyJob", "Type0", "Type1", ""}, Limit: 100}, now)
		m.must(err)
		for _, job := range claimed {
			outcomes = append(outcomes, store.Outcome{JobID: job.ID, Token: job.Token, Kind: store.Complete})
		}
	}
	_, err = m.s.Suspected(ctx, store.Demand{Types: []string{"MyJob"}})
	m.must(err)
	_, err = m.s.Beat(ctx, store.Heartbeat{ProcessID: 5, State: store.ProcessRunning}, now)
	m.must(err)
	_, err = m.s.Finish(ctx, append(outcomes, store.Outcome{JobID: m.ids[2], Token: m.ids[2], Kind: store.Release}), now)
	m.must(err)
	for _, job := range stored {
		if job, err := m.s.Get(ctx, job.ID); err != nil || job.Status != store.Completed {
			m.t.Errorf("job %d is %s, %v", job.ID, job.Status, err)
		}
	}
	everythingReads(m, stored[0].ID)
	_, err = m.s.Recover(ctx, nil, now)
	m.must(err)
	for after, more := int64(0), true; more; more = after != 0 {
		_, after, err = m.s.Prune(ctx, store.Retention{}, after, 3, now.Add(time.Hour))
		m.must(err)
	}
	if _, err := m.s.Get(ctx, stored[1].ID); err == nil {
		m.t.Error("a job was not pruned")
	}
	_, err = m.s.Cancel(ctx, store.Filter{}, "all", now, nil)
	m.must(err)
	_, err = m.s.Retry(ctx, store.Filter{}, now, nil)
	m.must(err)
	_, err = m.s.Reschedule(ctx, store.Filter{}, now.Add(time.Hour), now, nil)
	m.must(err)
	_, err = m.s.Delete(ctx, store.Filter{}, nil)
	m.must(err)
	m.must(m.s.Leave(ctx, 5, now))
}

func everythingReads(m *mover, id int64) {
	m.t.Helper()
	ctx := m.t.Context()
	jobs, err := m.s.List(ctx, store.Filter{})
	if err != nil || len(jobs) == 0 || jobs[len(jobs)-1].ID == 0 {
		m.t.Errorf("listed %d jobs, %v", len(jobs), err)
	}
	_, err = m.s.Stats(ctx)
	m.must(err)
	processes, err := m.s.Processes(ctx)
	if err != nil || len(processes) != 1 {
		m.t.Errorf("%d processes, %v", len(processes), err)
	}
	types, err := m.s.Types(ctx)
	if err != nil || len(types) != 1 {
		m.t.Errorf("%d types, %v", len(types), err)
	}
	for _, job := range append(m.ids, id) {
		_, err = m.s.Attempts(ctx, job)
		m.must(err)
		_, err = m.s.Log(ctx, job)
		m.must(err)
	}
}

// TestHugeErrors: a text that nobody will read to its end is cut; it stops neither the
// outcome nor those of others.
func TestHugeErrors(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	huge := strings.Repeat("é\x00\xff", 4<<20)
	queue := newQueue(t, open(t, url, inOwnSchema(t, url)), later.Config{Concurrency: 20, Logger: slog.New(slog.DiscardHandler)},
		numberJob.Do(func(_ context.Context, args numberArgs) error {
			switch args.N % 3 {
			case 0:
				return errors.New(huge)
			case 1:
				panic(huge)
			}
			return nil
		}))
	start(t, queue)
	var jobs []later.Job
	for n := range int64(30) {
		jobs = append(jobs, enqueue(t, queue, n, later.MaxRetries(0)))
	}
	for n, job := range jobs {
		job = wait(t, queue, job.ID)
		if n%3 == 2 {
			if job.Status != later.StatusCompleted {
				t.Errorf("job %d is %s", n, job.Status)
			}
			continue
		}
		if job.Status != later.StatusFailed || len(job.Error) == 0 || len(job.Error) > 64<<10 || !utf8.ValidString(job.Error) {
			t.Errorf("job %d is %s with an error of %d bytes", n, job.Status, len(job.Error))
		}
	}
}
