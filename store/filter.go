package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Filter selects jobs. Zero fields do not filter; the others must all match. It encodes
// to JSON and back without loss, so that it can be kept.
type Filter struct {
	IDs    []int64     `json:"ids,omitzero"` // nil: any; empty: none
	Status []JobStatus `json:"status,omitempty"`
	Type   string      `json:"type,omitempty"`
	Queue  string      `json:"queue,omitempty"`
	User   string      `json:"user,omitempty"`
	Target string      `json:"target,omitempty"`
	Tag    string      `json:"tag,omitempty"`
	Cause  CauseID     `json:"cause,omitzero"` // of the latest error of jobs that are failed or retrying: no others match
	Text   string      `json:"text,omitempty"` // occurs in the arguments or the error, ignoring ASCII case

	Operation int64 `json:"operation,omitempty"` // id of the operation that has changed them, as long as it is kept

	QueuedAfter    time.Time `json:"queued_after,omitzero"` // QueuedAfter ≤ queued_at < QueuedBefore
	QueuedBefore   time.Time `json:"queued_before,omitzero"`
	FinishedAfter  time.Time `json:"finished_after,omitzero"` // FinishedAfter ≤ finished_at < FinishedBefore
	FinishedBefore time.Time `json:"finished_before,omitzero"`

	Match []Condition `json:"match,omitempty"` // whatever else must hold

	// Redacted are types in whose arguments Text, and conditions on text and words, are not
	// looked for: who asks may not see all of them.
	Redacted []string `json:"redacted,omitempty"`

	Before int64 `json:"before,omitempty"` // only ids below; keyset paging, newest first
	Limit  int   `json:"limit,omitempty"`  // List: 0 means 100, at most 10,000. Bulk verbs: 0 means all
}

// maxTests bounds the tests of a filter: a database compiles an expression of them.
const maxTests = 500

// Check reports every condition that makes no sense, as ErrInvalidFilter. The verbs of
// a store that take a Filter check it first: a condition that is not understood must
// not be taken for one that always holds.
func (f *Filter) Check() error {
	var problems []error
	tests := 0
	for _, c := range f.Match {
		if err := c.check(); err != nil {
			problems = append(problems, err)
		}
		tests += len(c.AnyOf)
	}
	if tests > maxTests {
		problems = append(problems, fmt.Errorf("%d tests: at most %d can be asked at once", tests, maxTests))
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalidFilter, errors.Join(problems...))
}

// MarshalJSON refuses texts that JSON cannot hold: to read them back would select other
// jobs.
func (f Filter) MarshalJSON() ([]byte, error) {
	texts := []string{f.Type, f.Queue, f.User, f.Target, f.Tag, f.Text}
	texts = append(texts, f.Redacted...)
	for _, status := range f.Status {
		texts = append(texts, string(status))
	}
	for _, c := range f.Match {
		texts = append(append(texts, string(c.Field)), c.Path...)
		for _, t := range c.AnyOf {
			texts = append(texts, string(t.Op), t.Value, t.To)
		}
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%w: %q is not valid UTF-8", ErrInvalidFilter, text)
		}
	}
	type plain Filter // without this method
	return json.Marshal(plain(f))
}
