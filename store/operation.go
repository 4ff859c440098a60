package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"time"
)

// Operation is one change of many jobs as durable work: any process takes it a step
// further, until it is done, and for a while it can be undone.
type Operation struct {
	ID     int64           `json:"id"`
	Action OperationAction `json:"action"`
	Filter Filter          `json:"filter"`      // of the jobs that there were when it was made
	At     time.Time       `json:"at,omitzero"` // of a reschedule: the new time
	Reason string          `json:"reason,omitempty"`
	Person string          `json:"person,omitempty"`
	Source AuditSource     `json:"source,omitempty"`

	State   OperationState `json:"state"`
	Bound   int64          `json:"bound"`   // only jobs with ids up to it: later ones are not caught
	Cursor  int64          `json:"cursor"`  // only jobs with ids below it are still to be looked at
	Matched int64          `json:"matched"` // how many there were to be changed, counted to OperationCounted
	Changed int64          `json:"changed"`
	Left    int64          `json:"left"` // fitted, and could not be changed, such as those whose unique key another job holds

	Restored  int64            `json:"restored,omitempty"`   // by the undo
	NotUndone map[string]int64 `json:"not_undone,omitempty"` // how many could not be restored, by why

	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"` // done or cancelled
	UndoneAt   time.Time `json:"undone_at,omitzero"`
	Problem    string    `json:"problem,omitempty"` // why it failed

	AuditID int64 `json:"-"` // its entry, which counts the jobs
}

// OperationAction is what an operation does to jobs.
type OperationAction string

// The actions: as the verbs of the same names.
const (
	OperationCancel     OperationAction = "cancel"
	OperationRetry      OperationAction = "retry"
	OperationDelete     OperationAction = "delete"
	OperationReschedule OperationAction = "reschedule"
)

// OperationState is how far an operation is.
type OperationState string

// The states.
const (
	OperationRunning   OperationState = "running"
	OperationDone      OperationState = "done"
	OperationCancelled OperationState = "cancelled" // between two steps: what had been changed stays so
	OperationUndoing   OperationState = "undoing"
	OperationUndone    OperationState = "undone"
	OperationFailed    OperationState = "failed"
)

// Working reports whether there are steps to take.
func (s OperationState) Working() bool { return s == OperationRunning || s == OperationUndoing }

const (
	// OperationUndoable is how long after its end an operation can be undone.
	OperationUndoable = 10 * time.Minute
	// OperationCounted is up to where the jobs of an operation are counted beforehand.
	OperationCounted = 10_000
	// OperationStep is how many jobs one step changes at most.
	OperationStep = 500
	// OperationBytes is about how much the jobs of one step hold at most, unless a single
	// one holds more.
	OperationBytes = 8 << 20
)

// UndoableUntil is until when the operation can be undone; zero: not now.
func (o *Operation) UndoableUntil() time.Time {
	if o.State == OperationDone || o.State == OperationCancelled {
		return o.FinishedAt.Add(OperationUndoable)
	}
	return time.Time{}
}

// OperationFilter selects operations. Zero fields do not filter.
type OperationFilter struct {
	ID      int64
	Working bool  // only those with steps to take
	Before  int64 // only ids below; keyset paging, newest first
	Limit   int   // 0 means 100, at most 1,000
}

// Page is how many operations the filter asks for.
func (f OperationFilter) Page() int { return AuditFilter{Limit: f.Limit}.Page() }

// Statuses are those of the jobs that the action fits.
func (a OperationAction) Statuses() []JobStatus {
	switch a {
	case OperationCancel:
		return []JobStatus{Scheduled, Pending, Running, Retrying}
	case OperationRetry:
		return []JobStatus{Retrying, Completed, Failed, Cancelled}
	case OperationReschedule:
		return []JobStatus{Scheduled, Pending, Retrying}
	case OperationDelete:
		return []JobStatus{Scheduled, Pending, Retrying, Completed, Failed, Cancelled}
	}
	return nil
}

// Why a job could not be restored.
const (
	NotUndoneRan     = "was running"             // its process had been asked to stop it
	NotUndoneChanged = "has changed since"       // it ran, or somebody else changed it
	NotUndoneKey     = "its unique key is taken" // by another job
)

// OperationImage is one job that an operation has changed.
type OperationImage struct {
	Before Record
	After  [sha256.Size]byte // Fingerprint of the job right after; zeros: it was deleted
	Ran    bool              // it cannot be restored
}

// Gone reports whether the operation has deleted the job.
func (i *OperationImage) Gone() bool { return i.After == [sha256.Size]byte{} }

// Fingerprint tells whether anything about a job has changed.
func (r *Record) Fingerprint() [sha256.Size]byte {
	text, err := json.Marshal(r)
	if err != nil { // its JSON has been checked
		text = fmt.Append(nil, err)
	}
	return sha256.Sum256(text)
}

// JobsOf are the jobs of images that the operation has deleted, or those that it has not.
func JobsOf(images []OperationImage, gone bool) (list []int64) {
	for i := range images {
		if images[i].Gone() == gone {
			list = append(list, images[i].Before.Job.ID)
		}
	}
	return list
}

// ImagesOf makes the images of jobs from what they were and what they are, for those that
// were changed.
func ImagesOf(before, after []Record, changed []int64) (images []OperationImage) {
	was, is := byID(before), byID(after)
	for _, id := range changed {
		b := was[id]
		if b == nil {
			continue // somebody has spoiled its rows
		}
		image := OperationImage{Before: *b, Ran: b.Job.Status == Running}
		if a := is[id]; a != nil {
			image.After = a.Fingerprint()
		}
		if image.Ran {
			image.Before = Record{Job: Job{ID: id}}
		}
		images = append(images, image)
	}
	return images
}

func byID(records []Record) map[int64]*Record {
	of := make(map[int64]*Record, len(records))
	for i := range records {
		of[records[i].Job.ID] = &records[i]
	}
	return of
}

// Restorable parts the images of a step into those whose jobs nobody has touched since,
// and counts the others by why. now are the jobs as they are.
func Restorable(images []OperationImage, now []Record) (restorable []OperationImage, not map[string]int64) {
	is, not := byID(now), map[string]int64{}
	for _, image := range images {
		job := is[image.Before.Job.ID]
		switch {
		case image.Ran:
			not[NotUndoneRan]++
		case image.Gone() != (job == nil), job != nil && job.Fingerprint() != image.After:
			not[NotUndoneChanged]++
		default:
			restorable = append(restorable, image)
		}
	}
	return restorable, not
}

// EncodeImages makes of images what a store keeps. Texts stay what they are, byte for byte.
func EncodeImages(images []OperationImage) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(images)
	return b.Bytes(), err
}

// DecodeImages reads what EncodeImages has made.
func DecodeImages(data []byte) (images []OperationImage, err error) {
	err = gob.NewDecoder(bytes.NewReader(data)).Decode(&images)
	return images, err
}

// The rest decides what stores do.

// Read takes the JSON that a store keeps. What cannot be read becomes the Problem.
func (o *Operation) Read(filter, notUndone []byte) {
	if err := json.Unmarshal(filter, &o.Filter); err != nil && o.Problem == "" {
		o.Problem = "its filter cannot be read: " + err.Error()
	}
	_ = json.Unmarshal(notUndone, &o.NotUndone) // only for people
}

// Fail ends an operation that nobody can carry out, and reports whether it is one.
func (o *Operation) Fail(now time.Time) bool {
	if o.Problem == "" && o.Action.Statuses() == nil {
		o.Problem = fmt.Sprintf("nobody knows what %q is", o.Action)
	}
	if o.Problem != "" {
		o.State, o.FinishedAt = OperationFailed, now
	}
	return o.Problem != ""
}

// Next selects the jobs of the next step.
func (o *Operation) Next() Filter {
	f := o.Filter
	if f.Before == 0 || f.Before > o.Cursor {
		f.Before = o.Cursor
	}
	return f
}

// StepOf is how many of the jobs one step takes.
func StepOf(found []int64, sizes map[int64]int64) int {
	var size int64
	for i, id := range found {
		if size += sizes[id]; size > OperationBytes && i > 0 {
			return i
		}
	}
	return len(found)
}

// Stepped notes a step over so many jobs, of which so many were changed. The next one goes
// on below an id; 0: there is none.
func (o *Operation) Stepped(found, changed int, next int64, now time.Time) {
	o.Changed += int64(changed)
	o.Left += int64(found - changed)
	if o.Cursor = next; next == 0 {
		o.State, o.FinishedAt = OperationDone, now
	}
}

// NotUndo counts jobs that could not be restored.
func (o *Operation) NotUndo(not map[string]int64) {
	if o.NotUndone == nil {
		o.NotUndone = map[string]int64{}
	}
	for why, n := range not {
		o.NotUndone[why] += n
	}
}

// Turn ends a running operation, or begins to undo one. ErrConflict: not in this state,
// or too late.
func (o *Operation) Turn(to OperationState, now time.Time) error {
	switch {
	case to == OperationCancelled && o.State == OperationRunning:
		o.State, o.FinishedAt = to, now
		return nil
	case to == OperationUndoing && !o.UndoableUntil().IsZero():
		if now.After(o.UndoableUntil()) {
			return fmt.Errorf("%w: operation %d ended at %s: it could be undone for %v", ErrConflict, o.ID, o.FinishedAt.Format(time.RFC3339), OperationUndoable)
		}
		o.State = to
		return nil
	}
	return fmt.Errorf("%w: operation %d is %s: it cannot become %s", ErrConflict, o.ID, o.State, to)
}
