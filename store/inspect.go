package store

import "context"

// Inspected is what a Store also is that can look at its own database: for doctor.
type Inspected interface {
	// Inspect looks at a bounded number of things. What cannot be looked at, such as for
	// want of a right, is left out.
	Inspect(ctx context.Context) ([]Inspection, error)
}

// Inspection is one thing that a store has looked at.
type Inspection struct {
	Code    string // of what is wrong: see docs/troubleshooting.md
	Name    string // what was looked at, in a few words
	Value   string
	Problem string // what is wrong, a sentence; empty: nothing
	Fix     string // what to do
	Severe  bool   // jobs are in danger
}
