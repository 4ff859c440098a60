package store

import (
	"encoding/json"
	"strings"
	"time"
)

// Schedule is a recurring rule and the job that it enqueues, with how far it has come.
type Schedule struct {
	Name       string
	Definition ScheduleDefinition
	Code       ScheduleCode
	Revision   int64 // raised by every change; 0: not stored yet

	NextTick time.Time // the next due instant of the rule; zero: none
	DueAt    time.Time // when it is to be enqueued: jitter later; zero: not at all
	LastTick time.Time // the last instant that is dealt with, enqueued or not
	LastJob  int64     // the id of the last job that it enqueued

	PausedAt    time.Time
	PauseReason string
	SavedAt     time.Time // when its definition last changed

	// Problem is why the row cannot be read. The fields are then what could be.
	Problem string
}

// ScheduleDefinition is what somebody has asked for. A store keeps it as one JSON object.
type ScheduleDefinition struct {
	Rule  string    `json:"rule"`           // as package cron reads it
	Zone  string    `json:"zone,omitempty"` // an IANA name; empty: UTC
	Start time.Time `json:"start,omitzero"` // nothing is due before

	Missed        MissedTicks   `json:"missed,omitempty"`
	CatchUp       int           `json:"catch_up,omitempty"`        // how many at most
	SkipIfRunning bool          `json:"skip_if_running,omitempty"` // no job while the last one has not finished
	Jitter        time.Duration `json:"jitter,omitempty"`          // nanoseconds; each schedule is late by a part of it, always the same

	// Sealed says that the arguments are encrypted, and so never twice the same. Programs
	// that compare definitions leave them out.
	Sealed bool `json:"sealed,omitempty"`

	// Job is enqueued at every tick. Its times are as if it were enqueued at
	// 1970-01-01T00:00:00Z.
	Job NewJob `json:"job"`
}

// MissedTicks is what becomes of ticks at which nobody was there.
type MissedTicks string

// The policies. The empty one is RunOnce.
const (
	RunOnce     MissedTicks = ""         // one job for all
	SkipMissed  MissedTicks = "skip"     // none
	CatchUpMost MissedTicks = "catch up" // one job each, for the last few
)

// ScheduleCode says which programs define a schedule in their code. A store keeps it as
// one JSON object. The zero value: none does.
type ScheduleCode struct {
	Hash     string           `json:"hash,omitempty"`     // of the definition in code that was last taken over
	Past     []string         `json:"past,omitempty"`     // hashes of those that it has replaced, the last one last
	Definers map[int64]string `json:"definers,omitempty"` // the hashes that processes have, by process
	Edited   bool             `json:"edited,omitempty"`   // somebody has changed it since, by SaveSchedule
}

// ScheduleFilter selects schedules. Zero fields do not filter.
type ScheduleFilter struct {
	Names []string  // nil: all
	DueBy time.Time // only those that are not paused and due by then
}

// Tick is a step of one schedule: it counts only if nobody has changed the schedule
// since its revision was read.
type Tick struct {
	Schedule Schedule // as it is to be, with the revision that was read
	Jobs     []TickJob
}

// TickJob is a job for one due instant. An instant has one job at most; one that is zero
// stands for no instant: somebody wants a job now.
type TickJob struct {
	At  time.Time
	Job NewJob
}

// Ticked is the answer to one Tick.
type Ticked struct {
	Accepted bool
	Jobs     []int64 // ids of what was enqueued, and of those that hold the unique keys of what was not

	// Answers are what became of each of the Tick's Jobs. One without an ID has not been
	// enqueued: its instant had a job before, or it met the holder of its key and goes the
	// way of ConflictFail.
	Answers []Enqueued
}

// Texts are the two JSON objects that a store keeps.
func (s *Schedule) Texts() (definition, code string, err error) {
	if definition, err = textOf(s.Definition); err != nil {
		return "", "", err
	}
	code, err = textOf(s.Code)
	return definition, code, err
}

// textOf is JSON in which the arguments of the job stand as they are: Marshal would write
// a "<" in them as an escape.
func textOf(value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// Read is the opposite of Texts. What does not fit becomes the Problem.
func (s *Schedule) Read(definition, code []byte) {
	if err := json.Unmarshal(definition, &s.Definition); err != nil {
		s.Problem = "its definition cannot be read: " + err.Error()
	}
	if err := json.Unmarshal(code, &s.Code); err != nil {
		s.Code = ScheduleCode{}
	}
}
