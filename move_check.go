package later

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/laterjobs/later/store"
)

// comparison reads two stores side by side, job by job in the order of the ids.
type comparison struct {
	from, to *side
	seen     func(jobs int64)
	problems []string
	more     int // problems that are not told
}

// side is one of the two.
type side struct {
	pull  func() (store.Record, error, bool)
	stop  func()
	sum   hash.Hash
	ahead *sealed // the next job, once it has been read
	over  bool

	counts map[JobStatus]int64
}

func newComparison(ctx context.Context, from, to store.Store) *comparison {
	return &comparison{from: newSide(ctx, from), to: newSide(ctx, to), seen: func(int64) {}}
}

func newSide(ctx context.Context, s store.Store) *side {
	pull, stop := iter.Pull2(func(yield func(store.Record, error) bool) {
		for page, err := range pages(ctx, s) {
			if err != nil {
				yield(store.Record{}, err)
				return
			}
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
		}
	})
	return &side{pull: pull, stop: stop, sum: sha256.New(), counts: map[JobStatus]int64{}}
}

func (c *comparison) end() {
	c.from.stop()
	c.to.stop()
}

// peek returns the next job; nil: there are no more.
func (s *side) peek() (*sealed, error) {
	if s.ahead != nil || s.over {
		return s.ahead, nil
	}
	record, err, more := s.pull()
	if err != nil || !more {
		s.over = true
		return nil, err
	}
	s.ahead, err = seal(record)
	return s.ahead, err
}

// take counts the next job in and goes on to the one behind it.
func (s *side) take() {
	s.sum.Write(s.ahead.text) // never fails
	s.counts[s.ahead.status]++
	s.ahead = nil
}

func (s *side) checksum() string { return hex.EncodeToString(s.sum.Sum(nil)) }

func (s *side) jobs() (n int64) {
	for _, count := range s.counts {
		n += count
	}
	return n
}

// wholly insists that both hold the same jobs.
func (c *comparison) wholly() error {
	for {
		a, err := c.from.peek()
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		b, err := c.to.peek()
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		switch {
		case a == nil && b == nil:
			return c.result()
		case b == nil || a != nil && a.id < b.id:
			c.note("job %d is missing in the target", a.id)
			c.from.take()
		default:
			c.compare(a, b)
		}
		c.seen(c.from.jobs())
	}
}

// asFarAsTarget insists that the target holds nothing but jobs of the source. It
// reads no more of the source than that needs.
func (c *comparison) asFarAsTarget() error {
	for {
		b, err := c.to.peek()
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		if b == nil {
			return c.result()
		}
		a, err := c.from.peek()
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		if a != nil && a.id < b.id {
			c.from.take()
			continue
		}
		c.compare(a, b)
	}
}

// compare takes a job of the target and, if it is there, the same of the source.
func (c *comparison) compare(a, b *sealed) {
	if a == nil || a.id > b.id {
		c.note("job %d of the target is not in the source", b.id)
		c.to.take()
		return
	}
	if string(a.text) != string(b.text) {
		c.note("job %d differs in %s", a.id, strings.Join(a.differences(b), ", "))
	}
	c.from.take()
	c.to.take()
}

// maxProblems is how many problems are told.
const maxProblems = 5

func (c *comparison) note(format string, args ...any) {
	if len(c.problems) == maxProblems {
		c.more++
		return
	}
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *comparison) result() error {
	if len(c.problems) == 0 {
		return nil
	}
	text := strings.Join(c.problems, "; ")
	if c.more > 0 {
		text += fmt.Sprintf("; and %d more", c.more)
	}
	return fmt.Errorf("the target does not hold what the source holds: %s", text)
}

// sealed is a job in the form that is compared: one line of JSON.
type sealed struct {
	id     int64
	status JobStatus
	text   []byte
}

// seal encodes a job. JSON that was stored is bytes in it, so that its spaces count.
func seal(record store.Record) (*sealed, error) {
	record = record.AtRest()
	type logLine struct {
		LogLine
		Attrs []byte `json:"attrs,omitempty"`
	}
	lines := make([]logLine, len(record.Log))
	for i, line := range record.Log {
		lines[i] = logLine{line, line.Attrs}
	}
	type step struct {
		JobStep
		Result []byte `json:"result,omitempty"`
	}
	steps := make([]step, len(record.Steps))
	for i, of := range record.Steps {
		steps[i] = step{of, of.Result}
	}
	text, err := json.Marshal(struct {
		Job
		Args     []byte    `json:"args"`
		Result   []byte    `json:"result,omitempty"`
		Metadata []byte    `json:"metadata,omitempty"`
		Position int64     `json:"position"`
		HoldsKey bool      `json:"holds_key"`
		Attempts []Attempt `json:"attempts"`
		Log      []logLine `json:"log"`
		Steps    []step    `json:"steps"`
	}{record.Job, record.Job.Args, record.Job.Result, record.Job.Metadata, record.Position, record.HoldsKey, record.Attempts, lines, steps})
	if err != nil {
		return nil, fmt.Errorf("job %d: %w", record.Job.ID, err)
	}
	return &sealed{record.Job.ID, record.Job.Status, append(text, '\n')}, nil
}

// differences names the fields in which two jobs differ.
func (s *sealed) differences(other *sealed) (names []string) {
	var mine, theirs map[string]json.RawMessage
	if json.Unmarshal(s.text, &mine) != nil || json.Unmarshal(other.text, &theirs) != nil {
		return []string{"something"} // they were encoded here
	}
	fields := maps.Clone(mine)
	maps.Copy(fields, theirs)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if string(mine[name]) != string(theirs[name]) {
			names = append(names, name)
		}
	}
	return names
}
