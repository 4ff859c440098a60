package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

// Enqueue stores jobs in one statement and returns after the commit.
func (s *Store) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if len(jobs) == 0 {
		return nil, ctx.Err()
	}
	if hasKey(jobs) {
		u := &uniquely{store: s, jobs: jobs, now: s.orNow(now)}
		if err := s.enqueueUnique(ctx, u); err != nil {
			return nil, err
		}
		return u.answers, nil
	}
	e := &enqueuing{store: s}
	e.add(jobs, s.orNow(now))
	if err := s.entry.do(ctx, &request{part: e}); err != nil {
		return nil, err
	}
	return e.answers, nil
}

// enqueuing is jobs on their way in, of one call or of several that meet.
type enqueuing struct {
	store                                         *Store
	types, queues, args, metadata, users, targets []string
	tags, options                                 []string
	priorities                                    []int16
	maxRetries                                    []int32
	timeouts                                      []int64
	queuedAt, runAt                               []time.Time
	answers                                       []store.Enqueued
	storeID                                       string
	members                                       []*enqueuing // of a merged one
}

func (e *enqueuing) add(jobs []store.NewJob, now time.Time) {
	e.grow(len(jobs))
	for _, job := range jobs {
		e.types, e.queues = append(e.types, job.Type), append(e.queues, job.Queue)
		e.args, e.metadata = append(e.args, string(job.Args)), append(e.metadata, textOf(job.Metadata))
		e.users, e.targets = append(e.users, job.UserID), append(e.targets, job.TargetID)
		e.tags, e.options = append(e.tags, arrayText(job.Tags)), append(e.options, job.Options.Text())
		e.priorities = append(e.priorities, int16(job.Priority))
		e.maxRetries = append(e.maxRetries, int32(job.MaxRetries))
		e.timeouts = append(e.timeouts, job.Timeout.Microseconds())
		e.queuedAt = append(e.queuedAt, now)
		answer := store.Enqueued{Status: store.Pending, QueuedAt: now}
		runAt := time.Time{}
		if !job.RunAt.IsZero() {
			runAt = micro(job.RunAt)
		}
		if isLater(runAt, now) {
			answer.Status = store.Scheduled
		}
		e.runAt, e.answers = append(e.runAt, runAt), append(e.answers, answer)
	}
}

// grow makes room for n jobs in every column.
func (e *enqueuing) grow(n int) {
	for _, column := range []*[]string{&e.types, &e.queues, &e.args, &e.metadata, &e.users, &e.targets, &e.tags, &e.options} {
		*column = make([]string, 0, n)
	}
	e.priorities, e.maxRetries, e.timeouts = make([]int16, 0, n), make([]int32, 0, n), make([]int64, 0, n)
	e.queuedAt, e.runAt, e.answers = make([]time.Time, 0, n), make([]time.Time, 0, n), make([]store.Enqueued, 0, n)
}

// join merges calls that meet into one statement.
func join(calls []*enqueuing) *enqueuing {
	merged := &enqueuing{store: calls[0].store}
	for _, o := range calls {
		merged.members = append(merged.members, o)
		merged.types, merged.queues = append(merged.types, o.types...), append(merged.queues, o.queues...)
		merged.args, merged.metadata = append(merged.args, o.args...), append(merged.metadata, o.metadata...)
		merged.users, merged.targets = append(merged.users, o.users...), append(merged.targets, o.targets...)
		merged.tags, merged.options = append(merged.tags, o.tags...), append(merged.options, o.options...)
		merged.priorities = append(merged.priorities, o.priorities...)
		merged.maxRetries = append(merged.maxRetries, o.maxRetries...)
		merged.timeouts = append(merged.timeouts, o.timeouts...)
		merged.queuedAt, merged.runAt = append(merged.queuedAt, o.queuedAt...), append(merged.runAt, o.runAt...)
		merged.answers = append(merged.answers, o.answers...)
	}
	return merged
}

func (e *enqueuing) ask() []any {
	return []any{
		brief(e.types), brief(e.queues), brief(e.priorities), e.args, brief(e.metadata), brief(e.users), brief(e.targets), brief(e.tags),
		brief(e.maxRetries), brief(e.timeouts), brief(e.queuedAt), brief(e.runAt), brief(e.options),
	}
}

// brief is a column of which every value is the same as its first: the statement
// takes it for the others. Most columns of most batches are such.
func brief[T comparable](column []T) []T {
	for _, value := range column {
		if value != column[0] {
			return column
		}
	}
	return column[:min(1, len(column))]
}

// statement is the name of the statement that stores the jobs, and its parameters.
func (e *enqueuing) statement() (string, []any) {
	if len(e.types) > 1 {
		return "enqueue", e.ask()
	}
	return "enqueue_one", []any{
		e.types[0], e.queues[0], e.priorities[0], e.args[0], e.metadata[0], e.users[0], e.targets[0], e.tags[0],
		e.maxRetries[0], e.timeouts[0], e.queuedAt[0], e.runAt[0], e.options[0],
	}
}

func (e *enqueuing) queue(b *pgx.Batch) {
	name, args := e.statement()
	b.Queue(e.store.query(name), args...)
}

func (e *enqueuing) read(answers pgx.BatchResults) error {
	found, err := answers.Query()
	if err != nil {
		return err
	}
	return e.scan(found)
}

func (e *enqueuing) scan(found pgx.Rows) error {
	var first int64
	var all sql.NullString
	if err := each("enqueue", found, func(r row) error { return r.Scan(&first, &all, &e.storeID) }); err != nil {
		return err
	}
	for i := range e.answers {
		e.answers[i].ID = first + int64(i)
	}
	if all.Valid {
		if err := e.number(strings.Fields(all.String)); err != nil {
			return err
		}
	}
	answers := e.answers
	for _, member := range e.members {
		copy(member.answers, answers)
		answers = answers[len(member.answers):]
	}
	return nil
}

// number gives the answers their ids, which rise in the order of the jobs.
func (e *enqueuing) number(ids []string) (err error) {
	if len(ids) != len(e.answers) {
		return fmt.Errorf("enqueue: %d ids for %d jobs", len(ids), len(e.answers))
	}
	for i, id := range ids {
		if e.answers[i].ID, err = strconv.ParseInt(id, 10, 64); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
	}
	return nil
}

// committed tells where there is work now.
func (e *enqueuing) committed(n *news) {
	for i, answer := range e.answers {
		if answer.Status == store.Pending {
			n.lineUp(lane{e.queues[i], e.priorities[i]}, answer.ID)
		} else {
			e.store.due.added(e.runAt[i])
		}
	}
	n.wake.Work = true
}

// arrayText is a list of texts as PostgreSQL writes an array; empty for none.
func arrayText(list []string) string {
	if len(list) == 0 {
		return ""
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var b strings.Builder
	for i, text := range list {
		b.WriteString([]string{"{", ","}[min(i, 1)] + `"` + quote.Replace(text) + `"`)
	}
	return b.String() + "}"
}
