package postgres

import (
	"sync"
	"time"
)

// dueHint remembers before which time nothing waits any more, so that promotion does
// not walk over dead entries. It is a hint as those of the lanes are: what a slow
// transaction adds before it is found by a look from the beginning.
type dueHint struct {
	mu    sync.Mutex
	from  time.Time
	looks effort
}

// theBeginning is before every time at which a job can be due.
var theBeginning = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)

// dueMargin is how long a transaction may take from drawing its time to its commit
// without hiding behind the hint.
const dueMargin = 5 * time.Second

// begin is where to look from: the beginning, whenever its cost allows that, and for a
// time that is before the hint: it says nothing about that.
func (d *dueHint) begin(now time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from.After(now) || d.from.IsZero() || d.looks.until() <= 0 {
		return theBeginning
	}
	return d.from
}

// added notes that a job waits until a time.
func (d *dueHint) added(runAt time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if runAt.Before(d.from) {
		d.from = runAt
	}
}

// looked notes that at a time nothing waited before next (zero: nothing at all), and
// what it cost to find out.
func (d *dueHint) looked(from, next, now time.Time, cost time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if from.Equal(theBeginning) {
		d.looks.made(cost)
	}
	if next.IsZero() || now.Before(next) {
		next = now
	}
	d.from = next.Add(-dueMargin)
}
