package store

import (
	"encoding/json"
	"time"
)

// Step is what a job remembers from one performing to the next: see SaveSteps.
type Step struct {
	JobID   int64           `json:"job_id"`
	Name    string          `json:"name"` // unique within the job
	Kind    StepKind        `json:"kind"`
	Result  json.RawMessage `json:"result,omitempty"`
	At      time.Time       `json:"at"`      // when it was saved last
	Attempt int             `json:"attempt"` // the attempt that saved it last
}

// StepKind is what a step stands for.
type StepKind string

// The kinds of steps.
const (
	StepDone   StepKind = "step"   // a part of the job that is done; Result is what came of it
	StepCursor StepKind = "cursor" // how far a loop is: Result
	StepSleep  StepKind = "sleep"  // sleeps until Result, a time
)
