package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/cron"
	"github.com/laterjobs/later/store"
)

// punctual is how late a tick may be and still not count as missed.
const punctual = time.Minute

// RuleOf reads the rule of a schedule.
func RuleOf(s *store.Schedule) (*cron.Rule, error) {
	if s.Problem != "" {
		return nil, fmt.Errorf("schedule %s: %s", s.Name, s.Problem)
	}
	rule, err := cron.Parse(s.Definition.Rule, s.Definition.Zone, s.Definition.Start)
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return rule, nil
}

// Define gives a schedule a definition. Ticks of a changed rule are not due for the time
// before now; what else changes does not change when it is due.
func Define(s *store.Schedule, d store.ScheduleDefinition, now time.Time) error {
	before := s.Definition
	s.Definition, s.Problem, s.SavedAt = d, "", now
	sameRule := before.Rule == d.Rule && before.Zone == d.Zone && before.Start.Equal(d.Start)
	if sameRule && !s.NextTick.IsZero() {
		Aim(s, s.NextTick)
		return nil
	}
	return Restart(s, now)
}

// Restart lets a schedule begin anew: what was due before now is forgotten.
func Restart(s *store.Schedule, now time.Time) error {
	rule, err := RuleOf(s)
	if err != nil {
		return err
	}
	Aim(s, rule.Next(now))
	return nil
}

// Aim sets the next tick. Its jitter depends on the name only, so that each schedule keeps
// its distance from the others.
func Aim(s *store.Schedule, next time.Time) {
	s.NextTick, s.DueAt = next.UTC(), time.Time{}
	if next.IsZero() {
		s.NextTick = time.Time{}
		return
	}
	if !s.PausedAt.IsZero() {
		return
	}
	s.DueAt = s.NextTick
	if jitter := s.Definition.Jitter; jitter > 0 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(s.Name)) // it cannot fail
		s.DueAt = store.Storable(s.DueAt.Add(time.Duration(h.Sum64() % uint64(jitter)).Truncate(time.Microsecond)))
	}
}

// step is what becomes of a schedule that is due: the instants that get a job, and the
// schedule after it. lastRuns reports whether its last job has not finished.
func step(s store.Schedule, now time.Time, lastRuns bool) (store.Tick, error) {
	rule, err := RuleOf(&s)
	if err != nil {
		return store.Tick{}, err
	}
	if s.NextTick.IsZero() { // somebody has written the row by hand
		s.NextTick = s.DueAt
	}
	jitter := max(0, s.DueAt.Sub(s.NextTick))
	until := now.Add(-jitter)
	most := 1
	if s.Definition.Missed == store.CatchUpMost && !s.Definition.SkipIfRunning {
		most = max(1, s.Definition.CatchUp)
	}
	due := lastTicks(rule, s.NextTick, until, most)
	latest := due[len(due)-1]
	if s.Definition.Missed == store.SkipMissed && until.Sub(latest) > punctual || s.Definition.SkipIfRunning && lastRuns {
		due = nil
	}
	t := store.Tick{}
	for _, at := range due {
		t.Jobs = append(t.Jobs, store.TickJob{At: at, Job: JobOf(&s, at, now)})
	}
	s.LastTick = latest
	Aim(&s, rule.Next(later(latest, until)))
	t.Schedule = s
	return t, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// lastTicks are the last few ticks from the first to until, the first one at least. It
// looks back further and further, since there may be very many since the first.
func lastTicks(rule *cron.Rule, first, until time.Time, most int) []time.Time {
	for back := time.Minute; ; back *= 4 {
		from := until.Add(-back)
		var found []time.Time
		whole := back > 1<<60 || !from.After(first)
		if whole {
			from, found = first, []time.Time{first}
		}
		for at := rule.Next(from); !at.IsZero() && !at.After(until); at = rule.Next(at) {
			if found = append(found, at.UTC()); len(found) > 2*most {
				found = append(found[:0], found[len(found)-most:]...)
			}
		}
		if whole || len(found) >= most {
			return found[max(0, len(found)-most):]
		}
	}
}

// JobOf is the job of a schedule for an instant; the zero time: for none.
func JobOf(s *store.Schedule, at, now time.Time) store.NewJob {
	job := s.Definition.Job
	job.Tags = slices.Clone(job.Tags)
	var options store.Options
	if job.Options != nil {
		options = *job.Options
	}
	// The definition has them as if it were enqueued in 1970.
	sinceThen := now.Sub(time.Unix(0, 0))
	for _, t := range []*time.Time{&options.StartBy, &options.FinishBy} {
		if !t.IsZero() {
			*t = store.Storable(t.Add(sinceThen))
		}
	}
	options.Schedule, options.Tick = s.Name, at
	job.Options = &options
	return job
}

// mostPast bounds the definitions that a schedule remembers to have replaced.
const mostPast = 20

// defined is a definition in code.
type defined struct {
	definition store.ScheduleDefinition
	hash       string
}

// hashOf tells definitions apart.
func hashOf(d store.ScheduleDefinition) string {
	if d.Sealed {
		d.Job.Args = nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "unknown" // it has been encoded before
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// reconcile lets a program that defines a schedule in its code have its way, if it should,
// and reports whether that changes anything.
//
// Programs of several versions may run side by side. A definition that is new takes over.
// One that has been replaced before takes over only when no process has the one that
// replaced it any more: then the new version has been taken back. So a definition changes
// once in the course of a deploy, whatever starts again when, and the one that is left in
// the end is that of the programs that are left.
func reconcile(s store.Schedule, d defined, self int64, alive func(int64) bool, now time.Time) (store.Schedule, bool, error) {
	hash := d.hash
	code := s.Code
	code.Past = slices.Clone(code.Past)
	code.Definers = maps.Clone(code.Definers)
	if code.Definers == nil {
		code.Definers = map[int64]string{}
	}
	others := slices.ContainsFunc(slices.Collect(maps.Keys(code.Definers)), func(id int64) bool {
		return id != self && code.Definers[id] == code.Hash && alive(id)
	})
	known := code.Definers[self] == hash
	maps.DeleteFunc(code.Definers, func(id int64, _ string) bool { return id != self && !alive(id) })
	code.Definers[self] = hash
	takeOver := s.Revision == 0 || s.Problem != "" || code.Hash != hash && !(slices.Contains(code.Past, hash) && others)
	if !takeOver {
		s.Code = code
		return s, !known, nil
	}
	if code.Hash != "" && code.Hash != hash {
		code.Past = append(code.Past, code.Hash)
	}
	code.Past = slices.DeleteFunc(code.Past, func(past string) bool { return past == hash })
	code.Past = code.Past[max(0, len(code.Past)-mostPast):]
	code.Hash, code.Edited = hash, false
	s.Code = code
	return s, true, Define(&s, d.definition, now)
}
