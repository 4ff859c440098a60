package selection

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// Query is a statement with its values.
type Query struct {
	Text string
	Args []any
}

// Reader is a database within one transaction.
type Reader interface {
	// Reach runs a query that returns the lowest of some ids, which may be null, and how
	// many there are.
	Reach(q Query) (lowest, count int64, err error)
	// Rows runs a query that returns an id and, if documents is set, the arguments, the
	// metadata and the options of a job, until each has had enough.
	Rows(q Query, documents bool, each func(id int64, args, metadata, options []byte) (more bool)) error
	// Groups runs a query that returns that many texts and how many jobs have them.
	Groups(q Query, texts int, each func(values []string, jobs int64)) error
}

// Reach is how far to look.
type Reach struct {
	Want int       // for so many jobs
	Rows int64     // at about so many at most; 0: at all
	End  time.Time // until about then; zero: however long it takes
}

// Found is what a look has found.
type Found struct {
	IDs    []int64 // newest first
	Looked int64   // at so many jobs
	Next   int64   // the Before to go on with; 0: this was all
}

// How far a search looks if nobody says how far.
const (
	searchJobs = 100_000
	searchTime = 250 * time.Millisecond
)

// Search looks for the jobs of one page.
func Search(r Reader, d *Dialect, f store.Filter, reach store.Reach) (Found, error) {
	want := Limit(f)
	found, err := Look(r, d, f, nil, Reach{
		Want: want + 1, // one more tells whether there is another page
		Rows: cmp.Or(reach.Jobs, searchJobs),
		End:  time.Now().Add(cmp.Or(reach.Time, searchTime)),
	})
	if len(found.IDs) > want {
		found.IDs = found.IDs[:want]
		found.Next = found.IDs[want-1]
	}
	return found, err
}

// Limit is how many jobs a filter lists.
func Limit(f store.Filter) int {
	const usual, most = 100, 10_000
	if f.Limit <= 0 {
		return usual
	}
	return min(f.Limit, most)
}

// The pieces in which jobs are looked at: the first is small, since there may be much
// to read in each; as long as a piece takes less than pieceTime, the next one is larger.
const (
	firstPiece = 500
	lastPiece  = 32_000
	pieceTime  = 20 * time.Millisecond
)

// Look finds the newest jobs that f selects and whose status is one of only (nil: any).
// It does not regard f.Limit.
func Look(r Reader, d *Dialect, f store.Filter, only []store.JobStatus, reach Reach) (Found, error) {
	if err := f.Check(); err != nil {
		return Found{}, err
	}
	l := look{reader: r, dialect: d, plan: planFor(d, f, only), reach: reach}
	l.take = l.hits
	err := l.start()
	return l.found, err
}

func (l *look) start() error {
	if l.plan.none || l.plan.low > l.plan.high {
		return nil
	}
	if err := l.choose(); err != nil {
		return err
	}
	if len(l.rest) == 0 && len(l.plan.inGo) == 0 && !l.counts && !slices.ContainsFunc(l.streams, stream.mayBeGone) {
		_, err := l.take(l.plan.low, l.plan.high) // each job is a hit
		l.found.Looked = int64(len(l.found.IDs))
		return err
	}
	return l.run()
}

type look struct {
	reader  Reader
	dialect *Dialect
	plan    plan
	reach   Reach

	streams []stream
	rest    []clause
	found   Found
	counts  bool // and finds no jobs
	// take takes in the jobs between two ids that fit, and reports whether there are enough now.
	take func(low, high int64) (filled bool, err error)
}

// Paths are compared by how many jobs they lead to, counted so far: to count further
// would take longer than a search may.
var paces = []int64{1000, 20_000}

// choose takes the shortest path. Where one leads to few jobs, all of them are looked at
// in a moment; of those that are long the first is taken.
func (l *look) choose() error {
	best, shortest := 0, int64(0)
	for i := 0; len(l.plan.paths) > 1 && i < len(paces); i++ {
		shortest = paces[i]
		for n, p := range l.plan.paths {
			length, err := l.length(p, paces[i])
			if err != nil {
				return err
			}
			if length < shortest {
				best, shortest = n, length
			}
		}
		if shortest < paces[i] {
			break
		}
	}
	l.streams, l.rest = l.plan.paths[best].streams, l.plan.rest(l.plan.paths[best])
	return nil
}

func (l *look) length(p path, most int64) (length int64, err error) {
	for _, s := range p.streams {
		_, count, err := l.reader.Reach(l.query("SELECT min(id), count(*) FROM (", s, clause{") AS c", nil}, l.plan.low, l.plan.high, most-length))
		if err != nil {
			return 0, err
		}
		if length += count; length >= most {
			return most, nil
		}
	}
	return length, nil
}

// query walks a stream between two ids.
func (l *look) query(before string, s stream, after clause, low, high, limit int64) Query {
	w := writing{}
	w.add(clause{before + "SELECT " + s.id + " AS id FROM " + s.table + " WHERE TRUE", nil})
	w.between(s.id, low, high)
	w.and(s.where)
	w.add(clause{" ORDER BY " + s.id + " DESC LIMIT ?", []any{limit}})
	w.add(after)
	return w.query(l.dialect)
}

// run looks piece by piece, from the newest to the oldest.
func (l *look) run() error {
	high := l.plan.high
	for piece := int64(firstPiece); ; {
		if l.reach.Rows > 0 {
			piece = min(piece, l.reach.Rows-l.found.Looked)
		}
		started := time.Now()
		low, count, ended, err := l.piece(high, piece)
		if err != nil {
			return err
		}
		filled, err := l.take(low, high)
		if err != nil {
			return err
		}
		if filled {
			_, count, err := l.countAbove(l.found.Next, high)
			l.found.Looked += count
			return err
		}
		l.found.Looked += count
		if ended || low == math.MinInt64 {
			return nil
		}
		took := time.Since(started)
		if took < pieceTime && piece < lastPiece {
			piece, took = 2*piece, 2*took
		}
		late := !l.reach.End.IsZero() && time.Now().Add(took).After(l.reach.End) // after one more of them
		if late || l.reach.Rows > 0 && l.found.Looked >= l.reach.Rows {
			l.found.Next = low
			return nil
		}
		high = low - 1
	}
}

// piece finds how far down a number of jobs reaches: low is the lowest id of the
// highest that are left, or, with several streams, the highest of those lowest ids, so
// that above it all streams have been walked.
func (l *look) piece(high, rows int64) (low, count int64, ended bool, err error) {
	low, ended = l.plan.low, true
	uneven := false
	for _, s := range l.streams {
		lowest, n, err := l.reader.Reach(l.query("SELECT min(id), count(*) FROM (", s, clause{") AS c", nil}, l.plan.low, high, rows))
		if err != nil {
			return 0, 0, false, err
		}
		count += n
		uneven = uneven || n > 0 && len(l.streams) > 1
		if n >= rows {
			low, ended = max(low, lowest), false
		}
	}
	if uneven && !ended {
		_, count, err = l.countAbove(low, high)
	}
	return low, count, ended, err
}

// countAbove counts the jobs of all streams between two ids.
func (l *look) countAbove(low, high int64) (lowest, count int64, err error) {
	for _, s := range l.streams {
		_, n, err := l.reader.Reach(l.query("SELECT min(id), count(*) FROM (", s, clause{") AS c", nil}, low, high, math.MaxInt64))
		if err != nil {
			return 0, 0, err
		}
		count += n
	}
	return low, count, nil
}

// hits adds the jobs between two ids that fit.
func (l *look) hits(low, high int64) (filled bool, err error) {
	want := l.reach.Want - len(l.found.IDs)
	ids, err := l.fitting(low, high, want)
	if err != nil {
		return false, err
	}
	l.found.IDs = append(l.found.IDs, ids...)
	if len(ids) == want && want > 0 {
		l.found.Next = ids[want-1]
	}
	return len(ids) == want, nil
}

// fitting are the ids of the jobs between two ids that fit: the highest, if there are more
// than are wanted.
func (l *look) fitting(low, high int64, want int) (ids []int64, err error) {
	documents := len(l.plan.inGo) > 0
	for _, s := range l.streams {
		n := 0
		err := l.reader.Rows(l.selectHits(s, low, high, want, documents), documents, func(id int64, args, metadata, options []byte) bool {
			if !documents || holds(l.plan.inGo, args, metadata, options) {
				ids = append(ids, id)
				n++
			}
			return n < want
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	ids = slices.Compact(ids)
	return ids[:min(len(ids), want)], nil
}

func (l *look) selectHits(s stream, low, high int64, want int, documents bool) Query {
	w, columns := writing{}, s.id
	if documents {
		columns += ", j.args, j.metadata, j.options"
	}
	w.add(clause{text: "SELECT " + columns})
	w.from(s, l.rest, low, high, documents)
	w.add(clause{text: " ORDER BY " + s.id + " DESC"})
	if !documents {
		w.add(clause{" LIMIT ?", []any{int64(want)}})
	}
	return w.query(l.dialect)
}

// writing is a query under construction.
type writing struct {
	text strings.Builder
	args []any
}

func (w *writing) add(c clause) {
	w.text.WriteString(c.text)
	w.args = append(w.args, c.args...)
}

func (w *writing) and(clauses []clause) {
	for _, c := range clauses {
		w.add(clause{" AND " + c.text, c.args})
	}
}

func (w *writing) between(id string, low, high int64) {
	if low != math.MinInt64 {
		w.add(clause{" AND " + id + " >= ?", []any{low}})
	}
	if high != math.MaxInt64 {
		w.add(clause{" AND " + id + " <= ?", []any{high}})
	}
}

// from is the jobs of a stream between two ids, with the job itself if something looks at it.
func (w *writing) from(s stream, rest []clause, low, high int64, withJob bool) {
	tables := s.table
	join := s.mayBeGone() || s.id != "j.id" && (withJob || len(rest) > 0)
	if join {
		tables += " CROSS JOIN later.job AS j"
	}
	w.add(clause{text: " FROM " + tables + " WHERE TRUE"})
	w.between(s.id, low, high)
	switch {
	case s.mayBeGone():
		w.add(clause{text: " AND " + s.found})
	case join:
		w.add(clause{text: " AND j.id = " + s.id})
		w.between("j.id", low, high) // no planner concludes it from the other bounds
	}
	w.and(s.where)
	w.and(rest)
}

// query writes it as the database does.
func (w *writing) query(d *Dialect) Query {
	var text strings.Builder
	n := 0
	for part := range strings.SplitSeq(strings.ReplaceAll(w.text.String(), "later.", d.Schema), "?") {
		if n > 0 {
			text.WriteString(d.Placeholder(n))
		}
		text.WriteString(part)
		n++
	}
	return Query{text.String(), w.args}
}
