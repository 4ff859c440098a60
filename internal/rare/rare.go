// Package rare reads what most claimed jobs do not have: it comes as one JSON object in
// the row of a claim, so that the others need no columns for it.
package rare

import (
	"encoding/json"
	"time"

	"github.com/laterjobs/later/store"
)

// object has what a store knows of a job; what it leaves out, the job does not have.
type object struct {
	Metadata, Options, Retries   *string // JSON as text, byte for byte
	User, Target, Error, Message string
	Tags                         []string
	TagList                      string // tags as the text of a JSON array
	Scheduled, At                *int64 // microseconds since 1970
	Done, Total                  int64
}

// Add adds what the object says to a job. Metadata, tags and options that do not decode
// show as the stores show them elsewhere: one row that a person has spoiled must not stop
// a claim.
func Add(job *store.Job, text []byte) error {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	if o.Metadata != nil {
		job.Metadata = json.RawMessage(*o.Metadata)
	}
	if o.Options != nil {
		job.Options = store.OptionsOf([]byte(*o.Options))
	}
	if o.Retries != nil {
		job.RuleRetries = store.RetriesOf([]byte(*o.Retries))
	}
	if job.Tags = o.Tags; o.TagList != "" {
		_ = json.Unmarshal([]byte(o.TagList), &job.Tags)
	}
	job.Error = o.Error
	if o.User != "" || o.Target != "" {
		job.UserID, job.TargetID = o.User, o.Target
	}
	job.ScheduledAt = timeOf(o.Scheduled)
	if o.At != nil {
		job.Progress = store.Progress{Done: o.Done, Total: o.Total, Message: o.Message, At: timeOf(o.At)}
	}
	return nil
}

// timeOf is a time that every format can show, whatever a person has stored.
func timeOf(microseconds *int64) time.Time {
	if microseconds == nil {
		return time.Time{}
	}
	return store.Storable(time.UnixMicro(*microseconds)).UTC()
}
