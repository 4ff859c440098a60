package why

import (
	"time"

	"github.com/laterjobs/later/store"
)

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Info    Severity = "info"    // as it should be
	Warning Severity = "warning" // somebody should look
	Error   Severity = "error"   // jobs do not run, or are lost, until somebody acts
)

// Finding is one thing that was found.
type Finding struct {
	Code     string   `json:"code"` // stable: see docs/troubleshooting.md
	Severity Severity `json:"severity"`
	Text     string   `json:"text"` // one sentence
	Evidence []Fact   `json:"evidence,omitempty"`
	Fix      Fix      `json:"fix,omitzero"`
}

// Fact is a piece of evidence.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Fix says what to do about a finding.
type Fix struct {
	Now     string `json:"now,omitempty"`     // what to do, a sentence
	Action  string `json:"action,omitempty"`  // what a button would do: resume, retry, run, cancel, resume-process, stack, resume-schedule, show, show-causes
	Command string `json:"command,omitempty"` // the same on the command line
	Code    string `json:"code,omitempty"`    // what to change in the program, or its configuration

	// What the action is about: those that it needs.
	Job      int64  `json:"job,omitempty"`
	Process  int64  `json:"process,omitempty"`
	Queue    string `json:"queue,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Query    string `json:"query,omitempty"` // jobs, in the words of the search
}

// Report is what was found, the worst first, and what was looked at and is fine.
type Report struct {
	Findings []Finding `json:"findings"`
	Fine     []string  `json:"fine,omitempty"`
	At       time.Time `json:"at"`

	Stats store.Stats `json:"-"` // of Doctor: what it has counted, for whoever shows both
}

// Bad is how many findings need a person.
func (r Report) Bad() (n int) {
	for _, f := range r.Findings {
		if f.Severity != Info {
			n++
		}
	}
	return n
}

func (r *Report) fine(text string)       { r.Fine = append(r.Fine, text) }
func (r *Report) found(f ...Finding)     { r.Findings = append(r.Findings, f...) }
func fact(name, value string) Fact       { return Fact{name, value} }
func (f Finding) with(e ...Fact) Finding { f.Evidence = append(f.Evidence, e...); return f }
