package postgres

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// lane is one line of ready jobs.
type lane struct {
	queue    string
	priority int16
}

// front is where the living rows of a line begin, as far as is known.
type front struct {
	lane
	position int64
	until    int64 // where a first look ends
	most     int   // wanted from it
}

// allLanes remembers the lines for each set of types that claims ask for: what one
// set leaves behind, another may want. A process has one set.
type allLanes struct {
	mu      sync.Mutex
	byTypes map[string]*lanes
}

func (a *allLanes) of(types []string) *lanes {
	key := strings.Join(types, "\x00")
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byTypes[key] == nil {
		if len(a.byTypes) == maxTypeSets {
			clear(a.byTypes)
		}
		a.byTypes[key] = &lanes{fronts: map[lane]*begin{}, wanted: true}
	}
	return a.byTypes[key]
}

// maxTypeSets bounds the memory that a program with ever new sets takes.
const maxTypeSets = 100

func (a *allLanes) each(do func(*lanes)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.byTypes {
		do(l)
	}
}

// note remembers that a job is ready at a position.
func (a *allLanes) note(at lane, position int64) {
	a.each(func(l *lanes) { l.note(at, position) })
}

// want makes the next claims look at every line.
func (a *allLanes) want() { a.each((*lanes).want) }

// lanes remembers where each line begins. It is a hint: what it misses is found by
// a look at every line. Memory is all it costs to lose it.
type lanes struct {
	mu     sync.Mutex
	fronts map[lane]*begin
	wanted bool // somebody said that there is work, not where
	looks  effort
	aside  bool // a look is under way that no claim waits for
	reach  reach
}

// reach is how far into the lines a claim is expected to come that takes the first jobs
// of many: lines of a higher priority end before it does, lines of a lower one are not
// reached, and those of this one give what stands before a position, since positions
// are one sequence for all lines. Without it a claim would look at the whole number of
// jobs that it wants in each line.
type reach struct {
	priority int16
	from     int64 // the position after the last that the claim before took
	span     int64 // from there on; 0: unknown
}

// begin is where a line begins, in memory.
type begin struct {
	position int64
	noted    int64 // the lowest position announced since the last claim asked; 0: none
	since    int64 // the lowest position announced since the last look began; 0: none
}

func (l *lanes) note(at lane, position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.fronts[at]
	if p == nil {
		p = &begin{position: position}
		l.fronts[at] = p
	}
	p.noted, p.since = lowest(p.noted, position), lowest(p.since, position)
}

// lowest is the lower of two positions, the first of which may be none.
func lowest(known, position int64) int64 {
	if known == 0 {
		return position
	}
	return min(known, position)
}

func (l *lanes) want() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = true
}

// known returns the lines that may have something, in the order of claiming.
func (l *lanes) known() []front {
	l.mu.Lock()
	defer l.mu.Unlock()
	fronts := make([]front, 0, len(l.fronts))
	for at, p := range l.fronts {
		p.settle()
		fronts = append(fronts, front{lane: at, position: p.position})
	}
	slices.SortFunc(fronts, func(a, b front) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.queue, b.queue))
	})
	return fronts
}

// settle goes back to what was announced.
func (p *begin) settle() {
	if p.noted != 0 {
		p.position, p.noted = min(p.position, p.noted), 0
	}
}

// claimed notes that a claim took a line's jobs up to last (0: none), and whether
// that was all. What was announced meanwhile stands.
func (l *lanes) claimed(at lane, last int64, exhausted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.fronts[at]
	if p == nil {
		return
	}
	if last > 0 {
		p.position = last + 1
	}
	if exhausted && p.noted == 0 {
		delete(l.fronts, at)
	}
}

// expect sets where the first look at each line ends, and reports whether it is known.
func (l *lanes) expect(asked []front) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reach.span == 0 {
		return false
	}
	for i := range asked {
		switch f := &asked[i]; {
		case f.priority > l.reach.priority:
			f.until = math.MaxInt64
		case f.priority == l.reach.priority:
			f.until = l.reach.from + l.reach.span
		}
	}
	return true
}

// reachFurther is how much further a claim looks than the one before had to: what lies
// between may be another's.
const reachFurther = 2

// merged notes how far a claim has come that took the first jobs of many lines, the
// last of each at a position, if it got all that it wanted.
func (l *lanes) merged(asked []front, last map[lane]int64, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.reach
	l.reach = reach{}
	if !all {
		return
	}
	next := reach{priority: math.MaxInt16}
	for at := range last {
		next.priority = min(next.priority, at.priority)
	}
	for at, position := range last {
		if at.priority == next.priority {
			next.from = max(next.from, position+1)
		}
	}
	if before.span == 0 || before.priority != next.priority {
		before.from = math.MaxInt64
		for _, f := range asked {
			if f.priority == next.priority {
				before.from = min(before.from, f.position)
			}
		}
	}
	if next.span = before.span; next.from > before.from {
		next.span = reachFurther * (next.from - before.from)
	}
	l.reach = next
}

// lookEvery is how often every line is looked at while claims find work: for jobs
// that were announced to nobody.
const lookEvery = time.Second

// due reports whether a look at every line should come before the next claim.
func (l *lanes) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looks.until() <= 0 && (l.wanted || time.Since(l.looks.last) >= lookEvery)
}

// allowed reports whether a look at every line is not too dear now.
func (l *lanes) allowed() bool { return l.retryIn() == 0 }

// dear reports whether a look takes so long that a claim should not wait for it.
func (l *lanes) dear() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looks.cost() > cheap
}

// startAside reports whether a look that no claim waits for may start: one at a time.
func (l *lanes) startAside() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	started := !l.aside
	l.aside = true
	return started
}

func (l *lanes) endAside() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aside = false
}

// retryIn is how long a look that is too dear has to wait.
func (l *lanes) retryIn() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.looks.until())
}

// lookEverywhere finds the lines that have something and where they begin. Lines of
// suspects are returned only, not remembered.
func (l *lanes) lookEverywhere(s *session, suspects bool) ([]front, error) {
	if !suspects {
		l.beginLook()
	}
	began := time.Now()
	var seen []front
	err := s.query("lanes", func(r row) error {
		var f front
		err := r.Scan(&f.queue, &f.priority, &f.position)
		seen = append(seen, f)
		return err
	}, suspects)
	switch {
	case suspects:
	case err == nil:
		l.replace(seen, time.Since(began))
	default:
		l.want() // as before: nothing was seen
	}
	return seen, err
}

// beginLook parts what was announced before a look, which finds it, from what comes later.
func (l *lanes) beginLook() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.fronts {
		p.settle()
		p.since = 0
	}
	l.wanted = false
}

// replace takes over what was seen, but for what was announced meanwhile: it may not have
// been there to be seen, and claims may have asked for it since.
func (l *lanes) replace(seen []front, cost time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks.made(cost)
	fronts := make(map[lane]*begin, len(seen))
	for at, p := range l.fronts {
		if p.since != 0 {
			fronts[at] = p
		}
	}
	for _, f := range seen {
		if p := fronts[f.lane]; p != nil {
			p.position = min(f.position, p.since)
		} else {
			fronts[f.lane] = &begin{position: f.position}
		}
	}
	l.fronts = fronts
}
