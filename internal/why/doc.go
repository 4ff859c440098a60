// Package why says what is the matter: why a job is, or is not, running, and what in the
// whole system needs a person. gather.go reads facts, a bounded number of them; job.go
// and system.go decide over facts alone; codes.go lists what they may find.
package why
