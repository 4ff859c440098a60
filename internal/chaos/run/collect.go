//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/check"
	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/store"
)

// collect makes one history of all logs and of what the store says at the end.
func collect(ctx context.Context, f *fleet, db database, wallOffset int64) (*check.History, error) {
	c := newCollector(f.Times)
	c.history.Params.OneWriter = f.Store == "sqlite"
	files, err := filepath.Glob(filepath.Join(f.Folder, "*.history"))
	if err != nil {
		return nil, err
	}
	// The supervisor says which processes there were.
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	for _, file := range files {
		if err := history.Read(file, c.reader(strings.TrimSuffix(filepath.Base(file), ".history"))); err != nil {
			return nil, err
		}
	}
	c.conclude()
	return c.history, c.readStore(ctx, db, wallOffset)
}

func order(file string) string {
	if filepath.Base(file) == "supervisor.history" {
		return ""
	}
	return file
}

type collector struct {
	history *check.History
	lives   map[string]*check.Life
	calls   map[string]*call // by operation: begun, and not ended
	runs    map[check.Claim]*check.Run
}

// call is one call of a client.
type call struct {
	ops     []*check.Op
	control *check.Control
}

func newCollector(t times) *collector {
	return &collector{
		history: &check.History{
			Params: check.Params{
				Beat: t.Beat, TimeToDie: t.TimeToDie, SoftStop: t.SoftStop, HardStop: t.HardStop, Kinds: traits(), Every: scheduledEvery,
			},
			Ops: map[string]*check.Op{}, Effects: map[check.Claim]*check.Effect{}, Jobs: map[int64]check.Job{},
		},
		lives: map[string]*check.Life{}, calls: map[string]*call{}, runs: map[check.Claim]*check.Run{},
	}
}

// reader is what to do with the events of a file.
func (c *collector) reader(name string) func(history.Event) {
	switch {
	case name == "supervisor":
		return c.supervisor
	case strings.HasPrefix(name, "ledger"):
		return c.ledger
	case strings.HasPrefix(name, "producer"):
		return c.client
	}
	life := c.lives[name]
	return func(e history.Event) { c.worker(life, e) }
}

const forever = 1 << 62

func (c *collector) supervisor(e history.Event) {
	switch e.Kind {
	case history.Born:
		l := &check.Life{Name: e.Text, Role: slotOf(e.Text), Host: e.Verb, Born: e.At, Died: forever}
		c.lives[l.Name] = l
		c.history.Lives = append(c.history.Lives, l)
	case history.Died:
		l := c.lives[e.Text]
		l.Died, l.Buried, l.How = min(l.Died, e.At), e.At, e.Verb
	case history.Fault:
		if e.Verb == "kill" {
			l := c.lives[e.Ops[0]]
			l.Struck, l.Died = e.Sent, min(l.Died, e.At)
		}
		c.fault(e)
	default:
		c.client(e)
	}
}

// fault keeps those faults that may be to blame for something. Deaths are known from
// lives, and nothing else may come of the others.
func (c *collector) fault(e history.Event) {
	switch e.Verb {
	case "kill", "stop", "deploy", "poison", "hog", "wrong clock", "old snapshot", "pause":
	default:
		c.history.Faults = append(c.history.Faults, check.Fault{Kind: e.Verb, Victims: e.Ops, From: e.Sent, To: e.At})
	}
}

func (c *collector) client(e history.Event) {
	switch e.Kind {
	case history.Invoke:
		c.calls[e.Op] = c.invoked(e)
		return
	case history.Failed:
		c.history.Refused += e.Code
		return
	}
	call, known := c.calls[e.Op]
	if !known {
		return
	}
	answer := map[history.Kind]check.Answer{history.OK: check.OK, history.Refused: check.Refused, history.Unknown: check.Unknown}[e.Kind]
	for i, op := range call.ops {
		if op.Answer = answer; answer == check.OK {
			op.Job = e.Jobs[i]
		}
	}
	if call.control != nil {
		call.control.Answer, call.control.Ended = answer, e.At
		if answer == check.OK {
			call.control.Changed = e.Jobs
		}
		c.history.Controls = append(c.history.Controls, *call.control)
	}
	delete(c.calls, e.Op)
}

func (c *collector) invoked(e history.Event) *call {
	if len(e.Ops) == 0 {
		return &call{control: &check.Control{Verb: e.Verb, Queue: e.Text, Asked: e.Jobs, Invoked: e.At, Ended: forever}}
	}
	started := &call{}
	for _, text := range e.Ops {
		id, kindName, _ := strings.Cut(text, " ")
		op := &check.Op{ID: id, Kind: kindName, Invoked: e.At}
		c.history.Ops[id] = op
		started.ops = append(started.ops, op)
	}
	return started
}

func (c *collector) ledger(e history.Event) {
	key := check.Claim{Job: e.Job, Token: e.Token}
	if e.Kind == history.StepEffect {
		c.history.StepEffects = append(c.history.StepEffects, check.Step{Claim: key, Name: e.Verb, At: e.At})
		return
	}
	effect := c.history.Effects[key]
	if effect == nil {
		effect = &check.Effect{}
		c.history.Effects[key] = effect
	}
	if e.Kind == history.EffectBegan {
		effect.Began = e.At
		effect.Begins++
		return
	}
	effect.Ended = e.At
	effect.Finals++
}

func (c *collector) worker(l *check.Life, e history.Event) {
	claim := check.Claim{Job: e.Job, Token: e.Token}
	switch e.Kind {
	case history.Joined:
		l.Joined, l.Processes = append(l.Joined, e.At), append(l.Processes, e.Process)
		l.Beats = append(l.Beats, check.Span{From: e.Sent, To: e.At})
	case history.Beat:
		l.Beats = append(l.Beats, check.Span{From: e.Sent, To: e.At})
	case history.Stall:
		l.Stalls = append(l.Stalls, check.Span{From: e.Sent, To: e.At})
	case history.Clock:
		l.Clocks = append(l.Clocks, check.Off{At: e.At, By: e.Code})
	case history.Failed:
		c.history.Refused += e.Code
	case history.Stop:
		l.StopAsked = e.At
	case history.Stopped:
		l.StopReturned = e.At
	case history.Died:
		l.How, l.Struck, l.Died = "poison", e.At, min(l.Died, e.At)
	case history.Start:
		run := &check.Run{Claim: claim, Life: l, Kind: e.Verb, Start: e.At}
		c.runs[claim] = run
		c.history.Runs = append(c.history.Runs, run)
	case history.Told:
		if run := c.runs[claim]; run.Told == 0 {
			run.Told, run.Cause = e.At, e.Text
		}
	case history.End:
		c.runs[claim].End, c.runs[claim].Returns = e.At, e.Text
	case history.Step:
		c.history.Steps = append(c.history.Steps, check.Step{Claim: claim, Name: e.Verb, At: e.At, Result: e.Code})
	case history.Finish, history.Again:
		for i := range e.Jobs {
			c.history.Verdicts = append(c.history.Verdicts, check.Verdict{
				Claim: check.Claim{Job: e.Jobs[i], Token: e.Tokens[i]}, At: e.At, Verdict: store.Verdict(e.Codes[i]),
				Again: e.Kind == history.Again, Life: l,
			})
		}
	}
}

// conclude takes calls without an end for unknown.
func (c *collector) conclude() {
	for _, call := range c.calls {
		if call.control != nil {
			c.history.Controls = append(c.history.Controls, *call.control)
		}
	}
}

func (c *collector) readStore(ctx context.Context, db database, wallOffset int64) (err error) {
	h := c.history
	if h.Moves, err = db.moves(ctx); err != nil {
		return err
	}
	for i := range h.Moves {
		h.Moves[i].At = h.Moves[i].At*1000 - wallOffset
		if h.Moves[i].RunAt != 0 {
			h.Moves[i].RunAt = h.Moves[i].RunAt*1000 - wallOffset
		}
	}
	if h.Attempts, err = db.attempts(ctx); err != nil {
		return err
	}
	if h.Rows, err = db.rows(ctx); err != nil {
		return err
	}
	if h.Audit, err = db.audit(ctx); err != nil {
		return err
	}
	stats, err := db.store().Stats(ctx)
	if err != nil {
		return err
	}
	h.Audit.Counts = stats.Counts
	for status := range stats.More { // counted so far only: a lower bound
		h.Audit.Counts[status] = max(h.Audit.Counts[status], h.Audit.Counted[status])
	}
	return c.readJobs(ctx, db.store())
}

func (c *collector) readJobs(ctx context.Context, s store.Store) error {
	filter := later.Filter{Limit: 5000}
	for {
		page, err := s.List(ctx, filter)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, job := range page {
			c.history.Jobs[job.ID] = finalJob(job)
		}
		filter.Before = page[len(page)-1].ID
	}
}

// finalJob compares a job with what its operation has decided.
func finalJob(job store.Job) check.Job {
	final := check.Job{
		ID: job.ID, Kind: job.Type, Queue: job.Queue, Status: job.Status, Attempt: job.Attempt, MaxRetries: job.MaxRetries,
		Crashes: job.Crashes, Error: job.Error,
	}
	var args work
	if json.Unmarshal(job.Args, &args) != nil {
		return final
	}
	final.Op = args.Op
	if job.Type == "unique" {
		final.Key = keyFor(args.Op)
	}
	if job.Options != nil {
		final.Schedule, final.Tick = job.Options.Schedule, job.Options.Tick
	}
	want := workFor(args.Op, job.Type)
	final.ArgsOK = args == want && sameJSON(job.Args, want)
	final.ResultOK = !kindOf(job.Type).hasValue || sameJSON(job.Result, answerFor(want))
	return final
}

// sameJSON compares bytes, with the encoding that the library uses.
func sameJSON(raw json.RawMessage, value any) bool {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value) == nil && bytes.Equal(bytes.TrimSpace(encoded.Bytes()), raw)
}
