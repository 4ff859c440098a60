package latercli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/envelope"
	"github.com/laterjobs/later/store"
)

// shiftBy reads --shift: a length of time, earlier with a minus; now: so that the moment
// of the export is the present.
func shiftBy(text string, exported, now time.Time) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if text == "now" {
		return now.Sub(exported).Round(time.Second), nil
	}
	rest, back := strings.CutPrefix(text, "-")
	d, err := parseSpan(strings.TrimPrefix(rest, "+"))
	if err != nil {
		return 0, usagef("--shift %q: write now, or a length of time such as 2h30m, 3d or -1w", text)
	}
	if back {
		d = -d
	}
	return d, nil
}

// shift moves all times of a job and its history, but the tick of a schedule, which names
// what was due.
func shift(r *store.Record, by time.Duration) {
	if by == 0 {
		return
	}
	job := &r.Job
	times := []*time.Time{&job.QueuedAt, &job.ScheduledAt, &job.StartedAt, &job.FinishedAt, &job.NextRunAt, &job.Progress.At}
	if job.Options != nil {
		options := *job.Options
		job.Options = &options
		times = append(times, &options.StartBy, &options.FinishBy)
	}
	for i := range r.Attempts {
		times = append(times, &r.Attempts[i].StartedAt, &r.Attempts[i].FinishedAt)
	}
	for i := range r.Log {
		times = append(times, &r.Log[i].At)
	}
	for i := range r.Steps {
		times = append(times, &r.Steps[i].At)
	}
	for _, at := range times {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
}

// misfits collects jobs that would fail at once, because their arguments do not fit the
// schema which a process has published.
type misfits struct {
	schemas map[string]json.RawMessage // by type
	jobs    int
	first   string
}

func newMisfits(types []store.JobType) *misfits {
	m := &misfits{schemas: map[string]json.RawMessage{}}
	for _, t := range types {
		if len(t.Schema) > 0 {
			m.schemas[t.Name] = t.Schema
		}
	}
	return m
}

// check looks at a job that is still to be performed. What is encrypted cannot be looked
// at; values are not said, they may be secret.
func (m *misfits) check(r *store.Record) {
	job := &r.Job
	schema := m.schemas[job.Type]
	if schema == nil || job.Status.Finished() || envelope.Is(job.Args) {
		return
	}
	problems := arguments.CheckSchema(schema, job.Args)
	if len(problems) == 0 {
		return
	}
	if m.jobs++; m.jobs > 1 {
		return
	}
	var places []string
	for _, p := range problems {
		if place := "/" + strings.TrimPrefix(p.Pointer, "/"); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	m.first = fmt.Sprintf("job %d (%s) at %s", job.ID, job.Type, strings.Join(places, ", "))
}

// refusal is what is wrong with all of them; nil: nothing.
func (m *misfits) refusal() error {
	if m.jobs == 0 {
		return nil
	}
	return usagef("arguments of %s that wait do not fit the schema of their type, first of %s: they would fail at once; "+
		"--any-args stores them all the same", plural(m.jobs, "job"), m.first)
}
