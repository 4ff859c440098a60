package sqlite

import "time"

// company lets goroutines that are about to ask join a batch: those that the last one has
// answered mostly come again. To give way costs nothing while a processor is free. When
// all of them are busy, as with handlers that compute, everybody else gets a whole turn
// first, and each commit would wait for that.
type company struct {
	yield func()    // runtime.Gosched
	rest  time.Time // until then nobody is given way
}

const (
	// shortTurn is what giving way takes at most where it serves its purpose.
	shortTurn = time.Millisecond
	// restFactor times as long as a longer one took nobody is given way.
	restFactor = 100
)

func (c *company) giveWay() {
	began := time.Now()
	if began.Before(c.rest) {
		return
	}
	c.yield()
	if took := time.Since(began); took > shortTurn {
		c.rest = began.Add(restFactor * took)
	}
}
