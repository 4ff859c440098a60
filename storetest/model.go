package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/laterjobs/later/store"
)

// checkModel lets random verbs loose on a store and on the reference, and compares
// every answer and everything that can be read afterwards. On a failure rapid
// prints the shortest sequence that it finds, and the seed.
func checkModel(t *testing.T, open func(t testing.TB) store.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		s := open(t)
		defer s.Close()
		runModel(rt, s)
	})
}

// runModel runs one random sequence of verbs.
func runModel(rt *rapid.T, s store.Store) {
	m := &model{rt: rt, subject: s, reference: NewReference(), now: enqueuedAt}
	rt.Repeat(map[string]func(*rapid.T){
		"":          m.compare,
		"Enqueue":   m.enqueue,
		"Claim":     m.claim,
		"Finish":    m.finish,
		"Report":    m.report,
		"SaveSteps": m.saveSteps,
		"Join":      m.join,
		"Beat":      m.beat,
		"Recover":   m.recover,
		"Promote":   m.promote,
		"Cancel":    m.cancel,
		"people":    m.people,
		"rare":      m.rare,
		"pass time": m.passTime,
	})
}

// model is a store, the reference beside it, and what the verbs have handed out.
type model struct {
	rt        *rapid.T
	subject   store.Store
	reference *Reference
	now       time.Time
	ids       []int64
	claims    []store.Job // every claim there ever was
	tokens    int64

	operations []map[store.Store]int64 // their ids in each store
}

// both applies a verb to both stores and compares the answers.
func both[A any](m *model, verb string, call func(store.Store) (A, error)) A {
	m.rt.Helper()
	got, err := call(m.subject)
	want, wantErr := call(m.reference)
	if (err == nil) != (wantErr == nil) {
		m.rt.Fatalf("%s: error %v, the reference says %v", verb, err, wantErr)
	}
	if diff := difference(got, want); diff != "" {
		m.rt.Fatalf("%s differs from the reference (-want +got):\n%s", verb, diff)
	}
	return got
}

// compare reads everything there is.
func (m *model) compare(rt *rapid.T) {
	ctx := rt.Context()
	m.compareKeys(rt)
	m.compareOperations(rt)
	jobs := both(m, "List", func(s store.Store) ([]store.Job, error) { return s.List(ctx, store.Filter{Limit: 1000}) })
	both(m, "Stats", func(s store.Store) (store.Stats, error) { return s.Stats(ctx) })
	both(m, "Arrivals", func(s store.Store) (store.Arrivals, error) { return s.Arrivals(ctx, m.now) })
	both(m, "Processes", func(s store.Store) ([]store.Process, error) { return s.Processes(ctx) })
	both(m, "Export", func(s store.Store) ([]store.Record, error) {
		records, err := s.Export(ctx, 0, 1000)
		return ranked(records), err
	})
	both(m, "Causes", func(s store.Store) ([]store.Cause, error) {
		return s.Causes(ctx, store.CauseFilter{CountsFrom: m.now.Add(-time.Hour)}, m.now)
	})
	for _, job := range jobs {
		both(m, "Attempts", func(s store.Store) ([]store.Attempt, error) { return s.Attempts(ctx, job.ID) })
		both(m, "Log", func(s store.Store) ([]store.LogLine, error) { return s.Log(ctx, job.ID) })
		both(m, "Steps", func(s store.Store) ([]store.Step, error) { return s.Steps(ctx, job.ID) })
	}
}

// The values that the verbs draw from: few, so that they meet.
var (
	someTypes     = shared(rapid.SampledFrom([]string{"Mail", "Report"}))
	someQueues    = shared(rapid.SampledFrom([]string{"default", "mailers"}))
	someProcesses = shared(rapid.SampledFrom([]int64{11, 22}))
	someDelays    = shared(rapid.SampledFrom([]time.Duration{-time.Hour, 0, time.Minute, time.Hour, 3 * time.Hour}))
	someStatuses  = shared(rapid.SampledFrom(store.Statuses))
)

// shared makes a generator fit for tests that run at once: rapid names it when it is
// first used in another, and reads the name without a lock.
func shared[V any](g *rapid.Generator[V]) *rapid.Generator[V] {
	_ = g.String()
	return g
}

func (m *model) passTime(rt *rapid.T) {
	m.now = m.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(rt, "time"))
}

func (m *model) enqueue(rt *rapid.T) {
	jobs := make([]store.NewJob, rapid.IntRange(1, 4).Draw(rt, "jobs"))
	for i := range jobs {
		jobs[i] = store.NewJob{
			Type: someTypes.Draw(rt, "type"), Queue: someQueues.Draw(rt, "queue"), Priority: rapid.IntRange(-1, 1).Draw(rt, "priority"),
			Args: []byte(`{"n":9007199254740993}`), MaxRetries: 3, Timeout: time.Minute,
			UserID: rapid.SampledFrom([]string{"", "ada", "bob"}).Draw(rt, "user"), TargetID: rapid.SampledFrom([]string{"", "t1"}).Draw(rt, "target"),
			Tags: rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}}).Draw(rt, "tags"),
		}
		if rapid.IntRange(0, 3).Draw(rt, "unique") == 3 {
			m.makeUnique(rt, &jobs[i])
		}
		if rapid.Bool().Draw(rt, "later") {
			jobs[i].RunAt = m.now.Add(someDelays.Draw(rt, "delay"))
		}
	}
	stored := both(m, "Enqueue", func(s store.Store) ([]store.Enqueued, error) {
		answers, err := s.Enqueue(rt.Context(), jobs, m.now)
		if s == m.subject {
			for _, answer := range answers { // the reference gives out the same ids
				if answer.Holder != nil {
					continue
				}
				m.reference.chosen = append(m.reference.chosen, answer.ID)
			}
		}
		return answers, err
	})
	for _, one := range stored {
		m.ids = append(m.ids, one.ID)
	}
}

func (m *model) claim(rt *rapid.T) {
	m.tokens++
	d := store.Demand{
		ProcessID: someProcesses.Draw(rt, "process"), Token: m.tokens, Limit: rapid.IntRange(0, 5).Draw(rt, "limit"),
		Types:    []string{"Mail", "Report"},
		Suspects: rapid.IntRange(0, 3).Draw(rt, "suspects") == 3,
	}
	if rapid.IntRange(0, 3).Draw(rt, "some types") == 3 {
		d.Types = rapid.SliceOfNDistinct(someTypes, 0, 1, rapid.ID).Draw(rt, "types")
	}
	if rapid.IntRange(0, 3).Draw(rt, "some queues") == 3 {
		d.Queues = rapid.MapOfN(someQueues, rapid.IntRange(0, 2), 0, 3).Draw(rt, "queues")
	}
	both(m, "Suspected", func(s store.Store) (bool, error) { return s.Suspected(rt.Context(), d) })
	claimed := both(m, "Claim", func(s store.Store) ([]store.Job, error) { return s.Claim(rt.Context(), d, m.now) })
	m.claims = append(m.claims, claimed...)
}

// aClaim draws one that was handed out at some time, mostly a late one, and now
// and then with a token that is wrong.
func (m *model) aClaim(rt *rapid.T) store.Job {
	if len(m.claims) == 0 {
		rt.Skip("nothing was claimed yet")
	}
	back := rapid.IntRange(0, len(m.claims)-1).Draw(rt, "claim")
	job := m.claims[len(m.claims)-1-back]
	if rapid.IntRange(0, 9).Draw(rt, "wrong token") == 9 {
		job.Token += 1000
	}
	return job
}

// finish ends up to three claims, each of another job.
func (m *model) finish(rt *rapid.T) {
	var outcomes []store.Outcome
	for range rapid.IntRange(1, 3).Draw(rt, "outcomes") {
		job := m.aClaim(rt)
		if slices.ContainsFunc(outcomes, func(o store.Outcome) bool { return o.JobID == job.ID }) {
			continue
		}
		o := outcome(job, rapid.SampledFrom(kinds).Draw(rt, "kind").kind)
		o.StartedAt, o.FinishedAt = m.now.Add(-time.Second), m.now
		o.Progressed = rapid.IntRange(0, 2).Draw(rt, "progressed") == 2 // means something for a Retry only
		o.Cause = store.CauseID(rapid.IntRange(0, 3).Draw(rt, "cause"))
		if !o.RunAt.IsZero() {
			o.RunAt = m.now.Add(someDelays.Draw(rt, "delay"))
			o.RuleRetries = rapid.MapOfN(rapid.SampledFrom(words), rapid.IntRange(1, 9), 0, 2).Draw(rt, "counted")
		}
		outcomes = append(outcomes, o)
	}
	both(m, "Finish", func(s store.Store) ([]store.Verdict, error) { return s.Finish(rt.Context(), outcomes, m.now) })
}

func (m *model) report(rt *rapid.T) {
	job := m.aClaim(rt)
	report := store.Report{JobID: job.ID, Token: job.Token, Progress: progress(int64(rapid.IntRange(0, 9).Draw(rt, "done")))}
	if rapid.Bool().Draw(rt, "line") {
		report.Lines = []store.LogLine{line(fmt.Sprintf("line %d", m.tokens))}
	}
	report.CutLog = rapid.Bool().Draw(rt, "cut")
	m.must("Report", func(s store.Store) error { return s.Report(rt.Context(), []store.Report{report}, m.now) })
}

func (m *model) saveSteps(rt *rapid.T) {
	job := m.aClaim(rt)
	steps := rapid.SliceOfN(rapid.Custom(aStep), 0, 3).Draw(rt, "steps")
	both(m, "SaveSteps", func(s store.Store) (bool, error) {
		return true, s.SaveSteps(rt.Context(), job.ID, job.Token, steps, m.now)
	})
}

// must applies a verb that only succeeds or fails.
func (m *model) must(verb string, call func(store.Store) error) {
	m.rt.Helper()
	both(m, verb, func(s store.Store) (bool, error) { return true, call(s) })
}
