package sqlite

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/laterjobs/later/store"
)

// jobRow takes the columns of later_job that need a second look.
type jobRow struct {
	args                   string
	metadata, user, target sql.NullString
	tags                   sql.NullString
	timeout, queuedAt      int64
	scheduledAt            sql.NullInt64
	options                sql.NullString
}

// asked is where the columns of later_job go, in the order of the queries.
func (r *jobRow) asked(job *store.Job) []any {
	return []any{
		&job.ID, &job.Type, &job.Queue, &job.Priority, &r.args, &r.metadata, &r.user, &r.target, &r.tags,
		&job.MaxRetries, &r.timeout, &r.queuedAt, &r.scheduledAt, &r.options,
	}
}

func (r *jobRow) finish(job store.Job) store.Job {
	job.Args = json.RawMessage(r.args)
	job.Metadata = rawOf(r.metadata)
	job.UserID, job.TargetID = r.user.String, r.target.String
	if r.tags.Valid {
		// Tags were encoded by this package; a row that a person has changed
		// shows without them.
		_ = json.Unmarshal([]byte(r.tags.String), &job.Tags)
	}
	job.Timeout = time.Duration(r.timeout) * time.Microsecond
	job.QueuedAt = timeOf(sql.NullInt64{Int64: r.queuedAt, Valid: true})
	job.ScheduledAt = timeOf(r.scheduledAt)
	if r.options.Valid {
		job.Options = store.OptionsOf([]byte(r.options.String))
	}
	return job
}

// progressRow is the columns of later_progress, if there is a row.
type progressRow struct {
	done, total sql.NullInt64
	message     sql.NullString
	at          sql.NullInt64
}

func (p progressRow) progress() store.Progress {
	return store.Progress{Done: p.done.Int64, Total: p.total.Int64, Message: p.message.String, At: timeOf(p.at)}
}

// nullText is text as a parameter; NULL if it is empty.
func nullText(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// nullTime is a time as a parameter; NULL for the zero time.
func nullTime(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func rawOf(text sql.NullString) json.RawMessage {
	if !text.Valid {
		return nil
	}
	return valid(json.RawMessage(text.String))
}

// valid is raw, or a JSON string of it if a person has spoiled it: one bad row
// must not break the JSON of a whole page.
func valid(raw json.RawMessage) json.RawMessage {
	if json.Valid(raw) {
		return raw
	}
	quoted, _ := json.Marshal(string(raw)) // text always encodes
	return quoted
}

// timeOf is a time that every format can show, whatever a person has stored.
func timeOf(microseconds sql.NullInt64) time.Time {
	if !microseconds.Valid {
		return time.Time{}
	}
	return store.Storable(time.UnixMicro(microseconds.Int64)).UTC()
}

// The numbers of the finished statuses in the tables.
var finishedStatuses = map[int64]store.JobStatus{1: store.Completed, 2: store.Failed, 3: store.Cancelled}

const (
	completed int64 = 1
	failed    int64 = 2
	cancelled int64 = 3
)

// numberOf is finishedStatuses turned around.
var numberOf = map[store.JobStatus]int64{store.Completed: completed, store.Failed: failed, store.Cancelled: cancelled}

// The kinds of waiting.
const (
	waitsScheduled int64 = 1
	waitsPostponed int64 = 2
	waitsRetrying  int64 = 3
)
