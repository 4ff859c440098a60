package later

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/envelope"
	"github.com/laterjobs/later/internal/why"
	"github.com/laterjobs/later/store"
)

// What Why and Doctor answer with.
type (
	Findings        = why.Report   // what was found, the worst first, and what is fine
	Finding         = why.Finding  // one thing that was found: see docs/troubleshooting.md for its code
	FindingSeverity = why.Severity // how much a finding matters
)

// The severities of findings.
const (
	SeverityInfo    = why.Info    // as it should be
	SeverityWarning = why.Warning // somebody should look
	SeverityError   = why.Error   // jobs do not run, or are lost, until somebody acts
)

// Why says why a job is, or is not, running: the first reason that decides, with what to
// do about it, and what was looked at before and is fine. Its cost does not grow with the
// number of jobs. ErrNotFound: see Get.
func (q *JobQueue) Why(ctx context.Context, id int64) (Findings, error) {
	facts, err := why.GatherJob(ctx, q.store, id, q.asking())
	if err != nil {
		return Findings{}, fmt.Errorf("why of job %d: %w", id, err)
	}
	return why.Job(facts), nil
}

// Doctor says what in the whole system needs a person. Its cost does not grow with the
// number of jobs.
func (q *JobQueue) Doctor(ctx context.Context) (Findings, error) {
	facts, err := why.GatherSystem(ctx, q.store, q.asking())
	if err != nil {
		return Findings{}, fmt.Errorf("doctor: %w", err)
	}
	facts.Retention, facts.Bystander = q.cfg.Retention, len(q.JobTypes()) == 0
	if alarmed, ok := q.store.(store.Alarmed); ok {
		facts.Alarm = alarmed.Alarm()
	}
	if inspected, ok := q.store.(store.Inspected); ok {
		if facts.Store, err = inspected.Inspect(ctx); err != nil {
			return Findings{}, fmt.Errorf("doctor: %w", err)
		}
	}
	return why.System(facts), nil
}

func (q *JobQueue) asking() why.Asking {
	now := q.now()
	return why.Asking{Now: now, Skew: time.Until(now) * -1, TimeToDie: q.cfg.TimeToDie, Misfit: misfit}
}

// misfit says which parts of stored arguments a published schema refuses, without their
// values: they may be secret. What is encrypted is not looked at.
func misfit(schema, args []byte) string {
	if envelope.Is(args) {
		return ""
	}
	problems := arguments.CheckSchema(schema, args)
	text := ""
	for i, p := range problems[:min(5, len(problems))] {
		if i > 0 {
			text += ", "
		}
		text += p.Pointer
	}
	if len(problems) > 0 && text == "" {
		return "the whole"
	}
	return text
}
