package store

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rollup is what became of the jobs of one type in one queue within a span of time:
// what charts are drawn from, so that nobody has to count the history.
type Rollup struct {
	At    time.Time     // when the span begins, a multiple of Span since 1970
	Span  time.Duration // a minute; ten, or an hour, of what is older: see RollupKept
	Queue string
	Type  string

	Completed, Retried, Postponed, Failed, Cancelled int64 // outcomes

	Wait Histogram // of first attempts: from when they could have started
	Run  Histogram // of all attempts
}

// RollupFilter selects rollups. Zero fields do not filter.
type RollupFilter struct {
	From, Until time.Time // whose span has begun by Until and not ended before From
	Queue, Type string
	// Sum adds up, in the database, those of each span that begin at the same time: what
	// comes back has the Queue and the Type of the filter.
	Sum bool
}

// The spans of rollups, and for how long each is kept: what is older is added to the
// next, and in the end deleted.
var RollupKept = []struct{ Span, For time.Duration }{
	{time.Minute, 2 * time.Hour},
	{10 * time.Minute, 3 * 24 * time.Hour},
	{time.Hour, 30 * 24 * time.Hour},
}

// Fold says which rollups are to be added up: those of a length that begin before a
// time, to the next length. Next 0: they are to be deleted.
type Fold struct {
	Span, Next time.Duration
	Before     time.Time
}

// Folds is what is due at a time. A longer span gets all of its parts at once.
func Folds(now time.Time) []Fold {
	folds := make([]Fold, len(RollupKept))
	for i, kept := range RollupKept {
		folds[i] = Fold{Span: kept.Span, Before: now.Add(-kept.For)}
		if i+1 < len(RollupKept) {
			folds[i].Next = RollupKept[i+1].Span
			folds[i].Before = folds[i].Before.Truncate(folds[i].Next)
		}
	}
	return folds
}

// Add adds another rollup's counts.
func (r *Rollup) Add(other *Rollup) {
	r.Completed += other.Completed
	r.Retried += other.Retried
	r.Postponed += other.Postponed
	r.Failed += other.Failed
	r.Cancelled += other.Cancelled
	r.Wait.Add(&other.Wait)
	r.Run.Add(&other.Run)
}

// MergeRollups adds up rollups that begin in the same span of that length and are of the
// same queue and type, and returns them by time.
func MergeRollups(rollups []Rollup, span time.Duration) []Rollup {
	type key struct {
		at          int64
		queue, kind string
	}
	index := map[key]int{}
	var merged []Rollup
	for i := range rollups {
		r := &rollups[i]
		at := r.At.Truncate(span)
		k := key{at.UnixMicro(), r.Queue, r.Type}
		j, known := index[k]
		if !known {
			j = len(merged)
			index[k] = j
			merged = append(merged, Rollup{At: at, Span: span, Queue: r.Queue, Type: r.Type})
		}
		merged[j].Add(r)
	}
	slices.SortStableFunc(merged, func(a, b Rollup) int { return a.At.Compare(b.At) })
	return merged
}

// Histogram counts durations by their size. Bucket 0 holds those below a millisecond,
// bucket n those from 2ⁿ⁻¹ ms to below 2ⁿ ms; the last one holds all that are longer,
// from about 4.7 hours on.
type Histogram [26]int64

// Observe counts a duration.
func (h *Histogram) Observe(d time.Duration) {
	ms := max(0, d.Milliseconds())
	h[min(len(h)-1, bits.Len64(uint64(ms)))]++
}

// Add adds another histogram's counts.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// Count is how many durations were counted.
func (h *Histogram) Count() (sum int64) {
	for _, n := range h {
		sum += n
	}
	return sum
}

// Quantile estimates the duration that a share q in [0,1] of all stays below, evenly
// spread within its bucket. 0: nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	wanted := q * float64(h.Count())
	if h.Count() == 0 {
		return 0
	}
	for i, n := range h {
		if n == 0 || wanted > float64(n) {
			wanted -= float64(n)
			continue
		}
		from, to := bounds(i)
		return from + time.Duration(max(0, wanted)/float64(n)*float64(to-from))
	}
	from, _ := bounds(len(h) - 1)
	return from // rounding has lost the last one
}

func bounds(bucket int) (from, to time.Duration) {
	if bucket == 0 {
		return 0, time.Millisecond
	}
	return time.Millisecond << (bucket - 1), time.Millisecond << bucket
}

// Text is the histogram as stores keep it: bucket:count, separated by spaces, without
// the empty ones.
func (h *Histogram) Text() string {
	var b strings.Builder
	for i, n := range h {
		if n == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(i))
		b.WriteByte(':')
		b.WriteString(strconv.FormatInt(n, 10))
	}
	return b.String()
}

// HistogramOf reads what Text has written. Of a text that somebody has written by hand
// it takes what can be read.
func HistogramOf(text string) (h Histogram) {
	for part := range strings.FieldsSeq(text) {
		bucket, count, _ := strings.Cut(part, ":")
		i, err := strconv.Atoi(bucket)
		n, err2 := strconv.ParseInt(count, 10, 64)
		if err == nil && err2 == nil && i >= 0 && i < len(h) && n > 0 {
			h[i] += n
		}
	}
	return h
}
