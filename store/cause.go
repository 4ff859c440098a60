package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// CauseID names a cause: a positive hash of what its failures have in common. 0: none.
// As text, also in JSON, it has 16 hexadecimal digits.
type CauseID int64

// NewCauseID hashes what failures have in common.
func NewCauseID(parts ...string) CauseID {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	id := CauseID(binary.BigEndian.Uint64(hash.Sum(nil)) >> 1)
	return max(id, 1)
}

// ParseCauseID reads what String has written. ErrConflict: the text is no id.
func ParseCauseID(text string) (CauseID, error) {
	n, err := strconv.ParseInt(text, 16, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%w: %q is no id of a cause: it has 16 hexadecimal digits", ErrConflict, text)
	}
	return CauseID(n), nil
}

// String is the id as people see it; empty for 0.
func (id CauseID) String() string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", uint64(id))
}

// MarshalText is String.
func (id CauseID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseCauseID; empty text is 0.
func (id *CauseID) UnmarshalText(text []byte) (err error) {
	*id = 0
	if len(text) > 0 {
		*id, err = ParseCauseID(string(text))
	}
	return err
}

// Cause is what failures have in common: a type of jobs, a type of error, and a message
// but for what differs from one failure to the next.
type Cause struct {
	ID        CauseID   `json:"id"`
	Type      string    `json:"type"`       // of the jobs
	ErrorType string    `json:"error_type"` // Go's type of the error; panic, crash
	Title     string    `json:"title"`      // the message, … for what differs
	Sample    string    `json:"sample"`     // the whole message of the first failure
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Total     int64     `json:"total"` // failed attempts since FirstSeen; those of the last minute may be missing

	MutedUntil time.Time `json:"muted_until,omitzero"` // it raises no attention before

	Counts []CauseCount `json:"counts,omitempty"` // by time: see CauseFilter.CountsFrom

	// Jobs that have failed, or are to be retried, with it as their latest error: counted
	// by Causes, up to CauseFilter.CountTo.
	Failed   int64 `json:"failed"`
	Retrying int64 `json:"retrying"`
}

// Muted reports whether the cause raises no attention at that time.
func (c *Cause) Muted(now time.Time) bool { return c.MutedUntil.After(now) }

// CauseCount is how often a cause was met within a span of CauseSpan.
type CauseCount struct {
	At       time.Time `json:"at"` // when the span begins, a multiple of CauseSpan since 1970
	Failures int64     `json:"failures"`
}

// What is kept of causes.
const (
	CauseSpan       = 10 * time.Minute
	CauseCountsKept = 2 * 24 * time.Hour
	CauseKept       = 30 * 24 * time.Hour // since it was seen last, and has no jobs
)

// CauseFilter selects causes. Zero fields do not filter; the others must all match.
type CauseFilter struct {
	IDs     []CauseID
	Type    string // of the jobs
	Failed  bool   // only those with jobs that have failed
	Unmuted bool   // only those that are not muted now
	Muted   bool   // only those that are

	CountsFrom time.Time // with Counts since then; zero: none
	CountTo    int       // how far jobs are counted; 0 means 10,000
	Limit      int       // 0 means 100, at most 1,000
}

// Bounded is the filter with its limits filled in.
func (f CauseFilter) Bounded() CauseFilter {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Limit = min(f.Limit, 1000)
	if f.CountTo <= 0 {
		f.CountTo = 10_000
	}
	return f
}

// CrashCause is the cause of the jobs of a type that were failed at MaxCrashes.
func CrashCause(jobType string, at time.Time) Cause {
	const kind = "crash"
	return Cause{
		ID: NewCauseID(jobType, kind, CrashedReason), Type: jobType, ErrorType: kind,
		Title: CrashedReason, Sample: CrashedReason, FirstSeen: at, LastSeen: at, Total: 1,
		Counts: []CauseCount{{At: at.Truncate(CauseSpan), Failures: 1}},
	}
}

// MergeCauses adds up what is said of the same cause, and returns one of each by id, with
// times that every store can hold: for the stores.
func MergeCauses(causes []Cause, now time.Time) []Cause {
	index := map[CauseID]int{}
	var merged []Cause
	for _, c := range causes {
		if c.FirstSeen.IsZero() {
			c.FirstSeen = now
		}
		if c.LastSeen.Before(c.FirstSeen) {
			c.LastSeen = c.FirstSeen
		}
		i, known := index[c.ID]
		if !known {
			index[c.ID] = len(merged)
			c.FirstSeen, c.LastSeen, c.Counts = Storable(c.FirstSeen), Storable(c.LastSeen), mergeCounts(c.Counts)
			merged = append(merged, c)
			continue
		}
		merged[i].Add(&c)
	}
	slices.SortFunc(merged, func(a, b Cause) int { return cmp.Compare(a.ID, b.ID) })
	return merged
}

// Add is what RecordCauses does with a cause that is known.
func (c *Cause) Add(other *Cause) {
	c.Total += other.Total
	if other.FirstSeen.Before(c.FirstSeen) {
		c.FirstSeen = Storable(other.FirstSeen)
	}
	if other.LastSeen.After(c.LastSeen) {
		c.LastSeen = Storable(other.LastSeen)
	}
	if other.MutedUntil.After(c.MutedUntil) {
		c.MutedUntil = Storable(other.MutedUntil)
	}
	c.Counts = mergeCounts(append(c.Counts, other.Counts...))
}

// mergeCounts adds up those of the same span, and sorts them by time.
func mergeCounts(counts []CauseCount) []CauseCount {
	var merged []CauseCount
	index := map[int64]int{}
	for _, n := range counts {
		n.At = Storable(n.At).Truncate(CauseSpan).UTC()
		i, known := index[n.At.UnixMicro()]
		if !known {
			i = len(merged)
			index[n.At.UnixMicro()] = i
			merged = append(merged, CauseCount{At: n.At})
		}
		merged[i].Failures += n.Failures
	}
	slices.SortFunc(merged, func(a, b CauseCount) int { return a.At.Compare(b.At) })
	return merged
}
