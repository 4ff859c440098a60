package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Unique is the key of a job: of the jobs of one type at most one holds it. The same
// key of two types does not clash.
type Unique struct {
	Key    string        `json:"key"`
	Scope  UniqueScope   `json:"scope"`
	Period time.Duration `json:"period,omitempty"` // nanoseconds, of UniquePeriod
}

// UniqueScope says how long a job holds its key.
type UniqueScope string

// The scopes. Whatever the scope, a job that is deleted holds nothing.
const (
	UniqueUntilDone    UniqueScope = "until_done"    // until it is completed, failed or cancelled
	UniqueWhileWaiting UniqueScope = "while_waiting" // until it is claimed for the first time, or finished without that
	UniquePeriod       UniqueScope = "period"        // for a time after it was enqueued, whatever becomes of it
)

// MaxKey bounds a key, in bytes: it has to fit into an index.
const MaxKey = 255

// OnConflict says what Enqueue does with a job whose key another job holds.
type OnConflict uint8

// The ways.
const (
	ConflictKeep    OnConflict = iota // answers with the holder
	ConflictReplace                   // a holder that waits takes over arguments, metadata, priority, time and other options, and forgets its steps if the arguments differ; one that does not is kept
	ConflictFail                      // stores nothing of the call, and answers *DuplicateError
)

// DuplicateError says which job holds a key. It matches ErrDuplicate.
type DuplicateError struct {
	Type, Key string
	Holder    int64 // the job that holds it
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("%v: job %d of type %s holds the key %q", ErrDuplicate, e.Holder, e.Type, e.Key)
}

// Is makes errors.Is(err, ErrDuplicate) true.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// UniqueKey is the key that the options ask for; nil if there is none, or one that
// somebody has written by hand and that no store could keep.
func (o *Options) UniqueKey() *Unique {
	if o == nil || o.Unique == nil {
		return nil
	}
	key := o.Unique.Key
	if key == "" || len(key) > MaxKey || !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0 {
		return nil
	}
	return o.Unique
}

// ReplacedBy is what becomes of the options of a job that is replaced: it keeps its key,
// as it holds that.
func (o *Options) ReplacedBy(by *Options) *Options {
	var merged Options
	if by != nil {
		merged = *by
	}
	if merged.Unique = nil; o != nil {
		merged.Unique = o.Unique
	}
	return &merged
}

// KeptUntilDone reports whether the end of a job with these options frees a key.
func (o *Options) KeptUntilDone() bool {
	key := o.UniqueKey()
	return key != nil && key.Scope != UniqueWhileWaiting && key.Scope != UniquePeriod
}

// UniqueRule is what a definition says of the keys of its jobs.
type UniqueRule struct {
	By         UniqueBy      `json:"by,omitempty"`
	Scope      UniqueScope   `json:"scope,omitempty"`  // empty: until done
	Period     time.Duration `json:"period,omitempty"` // nanoseconds, of UniquePeriod
	OnConflict OnConflict    `json:"on_conflict,omitempty"`
}

// UniqueBy says what makes the key of a job.
type UniqueBy string

// What makes a key. Empty: nothing, unless a call gives one.
const (
	UniqueByArgs     UniqueBy = "arguments" // a hash of their canonical JSON
	UniqueByFunction UniqueBy = "function"  // of the arguments, in the program that has the definition
)

// Text is the rule as a store keeps it; empty: there is none.
func (r *UniqueRule) Text() string {
	if r == nil || *r == (UniqueRule{}) {
		return ""
	}
	text, _ := json.Marshal(r) // always encodes
	return string(text)
}

// UniqueRuleOf reads what Text has written; nil where there is nothing.
func UniqueRuleOf(text []byte) *UniqueRule {
	var r UniqueRule
	if len(text) == 0 || json.Unmarshal(text, &r) != nil || r == (UniqueRule{}) {
		return nil
	}
	return &r
}
