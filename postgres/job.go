package postgres

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// jobRow takes the columns of job that need a second look.
type jobRow struct {
	args, metadata, options []byte
	user, target            pgtype.Text
	tags                    []pgtype.Text
	timeout                 int64
	queuedAt, scheduledAt   pgtype.Timestamptz
}

// asked is where the columns of job go, in the order of the statements.
func (r *jobRow) asked(job *store.Job) []any {
	return []any{
		&job.Type, &job.Queue, &job.Priority, &r.args, &r.metadata, &r.user, &r.target, &r.tags,
		&job.MaxRetries, &r.timeout, &r.queuedAt, &r.scheduledAt, &r.options,
	}
}

func (r *jobRow) finish(job *store.Job) {
	job.Args, job.Metadata = r.args, r.metadata
	job.UserID, job.TargetID = r.user.String, r.target.String
	for _, tag := range r.tags {
		if tag.Valid { // else somebody has written it by hand
			job.Tags = append(job.Tags, tag.String)
		}
	}
	job.Timeout = time.Duration(r.timeout) * time.Microsecond
	job.QueuedAt, job.ScheduledAt = timeOf(r.queuedAt), timeOf(r.scheduledAt)
	job.Options = store.OptionsOf(r.options)
}

// progressRow is the columns of progress, if there is a row.
type progressRow struct {
	done, total pgtype.Int8
	message     pgtype.Text
	at          pgtype.Timestamptz
}

func (p progressRow) progress() store.Progress {
	return store.Progress{Done: p.done.Int64, Total: p.total.Int64, Message: p.message.String, At: timeOf(p.at)}
}

// timeOf is a time that every format can show, whatever a person has stored.
func timeOf(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	if t.InfinityModifier != pgtype.Finite {
		return time.Time{}
	}
	return store.Storable(t.Time).UTC()
}

// textOf is JSON as a parameter; empty stands for NULL.
func textOf(raw json.RawMessage) string { return string(raw) }

// The numbers of the finished statuses in the tables.
var finishedStatuses = map[int16]store.JobStatus{1: store.Completed, 2: store.Failed, 3: store.Cancelled}

const (
	completed int16 = 1
	failed    int16 = 2
	cancelled int16 = 3
)

// numberOf is finishedStatuses turned around.
var numberOf = map[store.JobStatus]int16{store.Completed: completed, store.Failed: failed, store.Cancelled: cancelled}

// The kinds of waiting.
const (
	waitsScheduled int16 = 1
	waitsPostponed int16 = 2
	waitsRetrying  int16 = 3
)
