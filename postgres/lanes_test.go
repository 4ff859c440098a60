package postgres

import (
	"context"
	"io"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

func newLanes() *lanes { return (&allLanes{byTypes: map[string]*lanes{}}).of([]string{"Mail"}) }

func wantFronts(t *testing.T, l *lanes, want ...front) {
	t.Helper()
	got := l.known()
	if len(got) != len(want) {
		t.Fatalf("known: %+v, want %+v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("known: %+v, want %+v", got, want)
		}
	}
}

var (
	mails  = lane{"mails", 0}
	urgent = lane{"mails", 9}
)

func TestClaimsMoveTheFront(t *testing.T) {
	l := newLanes()
	l.note(mails, 7)
	l.note(urgent, 12)
	l.note(mails, 9)
	wantFronts(t, l, front{lane: urgent, position: 12}, front{lane: mails, position: 7})
	l.claimed(mails, 8, false)
	l.claimed(urgent, 12, true)
	wantFronts(t, l, front{lane: mails, position: 9})
}

// TestAnnouncedMeanwhile: what is announced while a claim is on its way counts,
// behind the front too.
func TestAnnouncedMeanwhile(t *testing.T) {
	l := newLanes()
	l.note(mails, 7)
	l.known() // a claim asks
	l.note(mails, 5)
	l.claimed(mails, 20, true)
	wantFronts(t, l, front{lane: mails, position: 5})
	l.note(mails, 30)
	l.claimed(mails, 0, true)
	wantFronts(t, l, front{lane: mails, position: 5})
	l.claimed(mails, 0, true)
	wantFronts(t, l)
}

func TestLookKeepsWhatWasAnnouncedMeanwhile(t *testing.T) {
	l := newLanes()
	l.note(mails, 7)
	l.known()
	l.beginLook()
	l.note(urgent, 3)
	l.replace([]front{{lane: mails, position: 2}}, time.Millisecond)
	wantFronts(t, l, front{lane: urgent, position: 3}, front{lane: mails, position: 2})
	l.beginLook()
	l.replace(nil, time.Millisecond)
	wantFronts(t, l)
}

// TestClaimsGoOnBesideALook: what was announced while a look was under way may not have been
// there to be seen, and stays although a claim has asked for it, at the lowest place.
func TestClaimsGoOnBesideALook(t *testing.T) {
	l := newLanes()
	l.note(mails, 7)
	l.beginLook()
	l.note(mails, 40)
	l.note(urgent, 50)
	l.known() // a claim asks
	l.claimed(mails, 30, false)
	l.note(mails, 20)
	l.claimed(urgent, 50, false)
	l.replace([]front{{lane: mails, position: 25}}, time.Second)
	wantFronts(t, l, front{lane: urgent, position: 51}, front{lane: mails, position: 20})
}

// TestDearLookHoldsNobodyUp: a claim does not wait for a look that takes long, and is woken
// when that has found something that was announced to nobody.
func TestDearLookHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := openInside(t, "inside_aside", WithoutListen()) // no message tells it of the job
	demand := store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: 10}
	claim := func() int {
		t.Helper()
		jobs, err := s.Claim(t.Context(), demand, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return len(jobs)
	}
	wakes, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	<-wakes
	l := s.lanes.of(demand.Types)
	l.mu.Lock()
	l.fronts, l.wanted = map[lane]*begin{}, true // as if nobody had announced it
	l.looks = effort{count: len(l.looks.costs), costs: [4]time.Duration{time.Minute, time.Minute, time.Minute, time.Minute}}
	l.mu.Unlock()
	if claim() != 0 {
		t.Error("the claim has looked at every line")
	}
	<-wakes
	if claim() != 1 {
		t.Error("the look has not found the job")
	}
}

func TestSetsOfTypesRememberApart(t *testing.T) {
	all := &allLanes{byTypes: map[string]*lanes{}}
	one, other := all.of([]string{"a"}), all.of([]string{"a", "b"})
	if all.of([]string{"a"}) != one || one == other {
		t.Fatal("sets of types are mixed up")
	}
	all.note(mails, 4)
	one.known()
	one.claimed(mails, 4, true)
	wantFronts(t, one)
	wantFronts(t, other, front{lane: mails, position: 4})
	for range 2 * maxTypeSets {
		all.of([]string{time.Now().String()})
	}
	if n := len(all.byTypes); n > maxTypeSets {
		t.Errorf("%d sets are remembered", n)
	}
}

// TestDearLooksAreRare: under 5 % of the time, unless they are cheap. One that was
// held up does not count.
func TestDearLooksAreRare(t *testing.T) {
	var e effort
	for range 10 {
		e.made(time.Millisecond)
	}
	e.made(time.Minute)
	if wait := e.until(); wait > 0 {
		t.Errorf("a look has to wait %v though they are cheap", wait)
	}
	for range len(e.costs) {
		e.made(time.Second)
	}
	if wait := e.until(); wait < 19*time.Second || wait > 20*time.Second {
		t.Errorf("a look that takes a second has to wait %v", wait)
	}
}

func TestDueHint(t *testing.T) {
	var d dueHint
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range len(d.looks.costs) {
		if from := d.begin(now); !from.Equal(theBeginning) {
			t.Fatalf("looks are cheap, but begin at %v", from)
		}
		d.looked(theBeginning, now.Add(time.Hour), now, time.Second)
	}
	if from := d.begin(now); !from.Equal(now.Add(-dueMargin)) {
		t.Errorf("dear looks begin at %v", from)
	}
	if from := d.begin(now.Add(-time.Hour)); !from.Equal(theBeginning) {
		t.Errorf("a look at an earlier time begins at %v", from)
	}
	d.looked(d.begin(now), now.Add(-time.Minute), now, time.Second)
	if from := d.begin(now); !from.Equal(now.Add(-time.Minute - dueMargin)) {
		t.Errorf("with jobs that are overdue looks begin at %v", from)
	}
}

// TestClaimThatIsTriedAgain: of two tries of one claim the first was rolled back, and
// the second finds nothing. Then nothing was claimed.
func TestClaimThatIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := openInside(t, "inside_claim")
	demand := store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: 10}
	c := &claiming{store: s, demand: demand, now: s.Now(), lanes: s.lanes.of(demand.Types), jobs: []store.Job{{ID: 1}}, missing: []int64{2}}
	if err := s.work.do(t.Context(), &request{part: c}); err != nil || len(c.jobs)+len(c.missing) != 0 {
		t.Errorf("claimed %d jobs that are not there, %v", len(c.jobs)+len(c.missing), err)
	}
}

// cut is a connection that fails.
type cut struct{ querier }

func (cut) Query(context.Context, string, ...any) (pgx.Rows, error) { return nil, io.ErrUnexpectedEOF }

// TestFailedLookIsNone: a look that a broken connection ended has seen nothing. Whoever
// asked for it still wants it.
func TestFailedLookIsNone(t *testing.T) {
	l := newLanes()
	l.looks.last = time.Now()
	s := &session{store: &Store{statements: statements}, ctx: t.Context(), on: cut{}}
	c := &claiming{store: s.store, lanes: l, demand: store.Demand{Limit: 1}}
	if err := c.look(s); err == nil {
		t.Fatal("no error")
	}
	if c.looked || !l.due() {
		t.Errorf("a failed look counts: looked %v, another one is due %v", c.looked, l.due())
	}
}

// TestReach: a claim looks twice as far as the one before had to, in the lines that
// this one ended in.
func TestReach(t *testing.T) {
	l := newLanes()
	orders := lane{"orders", 0}
	asked := func() []front {
		return []front{{lane: urgent, position: 900}, {lane: mails, position: 100}, {lane: orders, position: 150}, {lane: lane{"mails", -9}, position: 1}}
	}
	if l.expect(asked()) {
		t.Error("the first claim expects something")
	}
	want := func(ends ...int64) {
		t.Helper()
		fronts := asked()
		if !l.expect(fronts) {
			t.Fatal("nothing is expected")
		}
		for i, f := range fronts {
			if f.until != ends[i] {
				t.Errorf("%v: until %d, want %d", f.lane, f.until, ends[i])
			}
		}
	}
	l.merged(asked(), map[lane]int64{urgent: 950, mails: 120, orders: 159}, true)
	want(math.MaxInt64, 280, 280, 0) // from 160 as far again, twice
	l.merged(asked(), map[lane]int64{orders: 259}, true)
	want(math.MaxInt64, 460, 460, 0)
	l.merged(asked(), map[lane]int64{mails: 105}, true) // a job came back into its old place
	want(math.MaxInt64, 306, 306, 0)
	l.merged(asked(), map[lane]int64{mails: 120}, false)
	if l.expect(asked()) {
		t.Error("something is expected of lines that gave all they had")
	}
}
