package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Finish ends claims.
func (s *Store) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if len(outcomes) == 0 {
		return nil, ctx.Err()
	}
	f := &finishing{outcomes: outcomes, now: orNow(now)}
	r := &request{rank: rankFinish, durable: f.durable(), run: f.run, size: f.size()}
	if err := s.do(ctx, r); err != nil {
		return nil, err
	}
	return f.verdicts, nil
}

// finishing is one Finish under way.
type finishing struct {
	outcomes []store.Outcome
	now      time.Time
	verdicts []store.Verdict
	moves    moves
}

// durable: losing a release in a power failure loses nothing.
func (f *finishing) durable() bool {
	for _, o := range f.outcomes {
		if o.Kind != store.Release {
			return true
		}
	}
	return false
}

func (f *finishing) size() (n int) {
	for _, o := range f.outcomes {
		n += rowSize/2 + len(o.Result) + len(o.Error) + len(o.Stack)
	}
	return n
}

func (f *finishing) run(s *session) error {
	f.verdicts, f.moves = make([]store.Verdict, len(f.outcomes)), moves{}
	others, err := f.complete(s)
	if err != nil || len(others) == 0 {
		return err
	}
	slices.Sort(others)
	list := make([]int64, len(others))
	for place, i := range others {
		list[place] = f.outcomes[i].JobID
	}
	found, err := claims(s, "claims_of_jobs", ids(sortedIDs(list)))
	if err != nil {
		return err
	}
	live := make(map[int64]placed, len(found))
	for _, claim := range found {
		live[claim.id] = claim
	}
	ended := f.decide(others, live)
	if err := endClaims(s, ended); err != nil {
		return err
	}
	if err := f.moves.apply(s); err != nil {
		return err
	}
	return f.judgeRest(s)
}

// decide accepts the outcomes under a live token, once each, and returns the
// claims that they end.
func (f *finishing) decide(others []int, live map[int64]placed) (ended []placed) {
	for _, i := range others {
		o := f.outcomes[i]
		claim, ok := live[o.JobID]
		if !ok || claim.token != o.Token {
			continue
		}
		delete(live, o.JobID)
		f.verdicts[i] = store.Accepted
		f.move(claim, o)
		ended = append(ended, claim)
	}
	return ended
}

// move sends a job where its outcome leads. After a cancel request every
// outcome leads to cancelled.
func (f *finishing) move(claim placed, o store.Outcome) {
	number := claim.attempt + 1
	claim.unique, claim.cause = o.Unique, int64(o.Cause)
	progressed := o.Kind == store.Retry && o.Progressed
	if o.Kind != store.Postpone && o.Kind != store.Release && !progressed {
		claim.attempt = number
	}
	if o.FinishedAt.IsZero() {
		o.FinishedAt = f.now
	}
	if o.StartedAt.IsZero() {
		o.StartedAt = time.UnixMicro(claim.claimedAt)
	}
	end := ending{startedAt: o.StartedAt, finishedAt: o.FinishedAt, error: o.Error}
	record := func(outcome store.AttemptOutcome) {
		var retries map[string]int
		if outcome == store.AttemptRetried {
			retries = o.RuleRetries
		}
		if o.Kind != store.Retry && o.Kind != store.Fail || outcome == store.AttemptCancelled {
			claim.cause = 0
		}
		f.moves.record(claim, outcome, number, o.StartedAt, o.FinishedAt, o.Error, o.Stack, retries, claim.cause)
	}
	if claim.cancel.Valid {
		end.status, end.result, end.error = cancelled, o.Result, claim.cancel.String
		if o.Kind != store.Complete && o.Kind != store.Release {
			o.Error = claim.cancel.String
			record(store.AttemptCancelled)
		}
		f.moves.toFinished(claim, end)
		return
	}
	switch o.Kind {
	case store.Complete:
		end.status, end.result, end.error = completed, o.Result, ""
		f.moves.toFinished(claim, end)
	case store.Fail:
		end.status = failed
		record(store.AttemptFailed)
		f.moves.toFinished(claim, end)
	case store.Cancel:
		end.status = cancelled
		record(store.AttemptCancelled)
		f.moves.toFinished(claim, end)
	case store.Retry:
		if progressed {
			record(store.AttemptProgressed)
		} else {
			record(store.AttemptRetried)
		}
		f.moves.toWaiting(claim, waitsRetrying, o.RunAt, "")
	case store.Postpone:
		record(store.AttemptPostponed)
		f.moves.toWaiting(claim, waitsPostponed, o.RunAt, o.Error)
	case store.Release:
		f.moves.toReady(claim)
	}
}

// judgeRest tells repeated outcomes from superseded ones.
func (f *finishing) judgeRest(s *session) error {
	var rest []int64
	for i, verdict := range f.verdicts {
		if verdict == 0 {
			f.verdicts[i] = store.Superseded
			rest = append(rest, f.outcomes[i].JobID)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	type claim struct{ id, token int64 }
	moved := map[claim]bool{}
	err := s.query("tokens_of_jobs", func(r *sql.Rows) error {
		var c claim
		err := r.Scan(&c.id, &c.token)
		moved[c] = true
		return err
	}, ids(sortedIDs(rest)))
	for i, o := range f.outcomes {
		if f.verdicts[i] == store.Superseded && moved[claim{o.JobID, o.Token}] {
			f.verdicts[i] = store.Repeated
		}
	}
	return err
}
