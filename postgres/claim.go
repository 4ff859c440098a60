package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/internal/rare"
	"github.com/laterjobs/later/store"
)

// Claim hands over ready jobs. If no line is known to have any it only reads.
func (s *Store) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if d.Limit <= 0 || len(d.Types) == 0 {
		return nil, s.alive(ctx)
	}
	c := &claiming{store: s, demand: d, now: s.orNow(now), lanes: s.lanes.of(d.Types)}
	if err := s.work.do(ctx, &request{part: c}); err != nil {
		return nil, err
	}
	return c.jobs, classify(c.err)
}

// Suspected reports whether a claim of suspects would find one.
func (s *Store) Suspected(ctx context.Context, d store.Demand) (found bool, err error) {
	if len(d.Types) == 0 {
		return false, s.alive(ctx)
	}
	var queues []string
	if d.Queues != nil {
		queues = make([]string, 0, len(d.Queues))
		for queue, limit := range d.Queues {
			if limit > 0 {
				queues = append(queues, queue)
			}
		}
	}
	err = s.work.do(ctx, &request{single: true, run: func(r *session) error {
		return r.query("suspected", func(r row) error { return r.Scan(&found) }, d.Types, queues)
	}})
	return found && err == nil, err
}

// claiming is one claim under way.
type claiming struct {
	store   *Store
	lanes   *lanes // for the types of the demand
	demand  store.Demand
	now     time.Time
	asked   []front // what the statement asks for
	compete bool    // the lines compete for too few places
	near    bool    // only those that stand before an expected position are looked at, first
	looked  bool    // at every line, for this claim
	jobs    []store.Job
	missing []int64 // claimed, but without a row in job
	row     *claimedRow
	last    map[lane]int64 // the position of the last job that each line gave
	err     error
}

// look chooses the lines to claim from. Before it looks at all of them, if that is
// due; suspects are few and always looked for.
func (c *claiming) look(r *session) error {
	switch due := c.lanes.due(); {
	case c.demand.Suspects, due && !c.lanes.dear():
		if err := c.lookEverywhere(r); err != nil {
			return err
		}
	case due:
		c.store.lookAside(c.lanes)
	}
	c.choose()
	return nil
}

// lookAgain looks at every line for a claim that found nothing, if the cost allows
// it, and reports whether there may be something now.
func (c *claiming) lookAgain(r *session) (bool, error) {
	if c.looked {
		return false, nil
	}
	if !c.lanes.allowed() {
		c.store.lookLater(c.lanes.retryIn())
		return false, nil
	}
	if c.lanes.dear() {
		c.store.lookAside(c.lanes)
		return false, nil
	}
	if err := c.lookEverywhere(r); err != nil {
		return false, err
	}
	c.choose()
	return len(c.asked) > 0, nil
}

// lookAside looks at every line on another connection, while claims go on with those that
// are known, and wakes the claimers when it is done.
func (s *Store) lookAside(l *lanes) {
	if !l.startAside() {
		return
	}
	go func() {
		defer l.endAside()
		err := s.readOnce(s.work.life, func(r *session) error {
			_, err := l.lookEverywhere(r, false)
			return err
		})
		if err == nil {
			s.listeners.Wake(store.Wake{Work: true})
		}
	}()
}

// lookLater wakes the claimers when the cost of a look allows the next one.
func (s *Store) lookLater(wait time.Duration) {
	if s.lookingLater.Swap(true) {
		return
	}
	time.AfterFunc(wait, func() {
		s.lookingLater.Store(false)
		s.listeners.Wake(store.Wake{Work: true})
	})
}

func (c *claiming) lookEverywhere(r *session) error {
	seen, err := c.lanes.lookEverywhere(r, c.demand.Suspects)
	c.looked = err == nil
	if c.demand.Suspects {
		c.asked = seen
	}
	return err
}

// choose sets what is asked of which line.
func (c *claiming) choose() {
	lines := c.asked
	if !c.demand.Suspects {
		lines = c.lanes.known()
	}
	c.asked, c.compete = nil, false
	wanted, queues := 0, map[string]bool{}
	for _, f := range lines {
		f.most = c.limit(f.queue)
		if f.most == 0 {
			continue
		}
		c.compete = c.compete || queues[f.queue]
		queues[f.queue] = true
		wanted += f.most
		c.asked = append(c.asked, f)
	}
	c.compete = c.compete || wanted > c.demand.Limit && len(c.asked) > 1
	c.near = c.compete && !c.demand.Suspects && c.lanes.expect(c.asked)
}

// limit is how many jobs a queue may give.
func (c *claiming) limit(queue string) int {
	if c.demand.Queues == nil {
		return c.demand.Limit
	}
	return max(0, min(c.demand.Queues[queue], c.demand.Limit))
}

// queue forgets what an earlier try has found: that was rolled back.
func (c *claiming) queue(b *pgx.Batch) {
	c.jobs, c.missing = nil, nil
	if len(c.asked) == 0 {
		return
	}
	n := len(c.asked)
	queues, priorities := make([]string, n), make([]int16, n)
	hints, until, most := make([]int64, n), make([]int64, n), make([]int32, n)
	for i, f := range c.asked {
		queues[i], priorities[i], hints[i], until[i], most[i] = f.queue, f.priority, f.position, f.until, int32(min(f.most, 1<<30))
	}
	b.Queue(c.store.query("claim"), queues, priorities, hints, most, c.compete, int64(c.demand.Limit), c.demand.Types,
		c.demand.Suspects, c.demand.Token, c.demand.ProcessID, c.now, until, c.near)
}

func (c *claiming) read(answers pgx.BatchResults) error {
	found, err := answers.Query()
	if err != nil {
		return err
	}
	c.jobs, c.missing = c.demand.Into[:0], nil
	c.last, c.row = map[lane]int64{}, newClaimedRow()
	return each("claim", found, c.scan)
}

// remember tells the lanes what the claim has taken. A queue that gave less than
// it was asked for has no more.
func (c *claiming) remember() {
	got, total := map[string]int{}, len(c.jobs)+len(c.missing)
	for i := range c.jobs {
		got[c.jobs[i].Queue]++
	}
	for _, f := range c.asked {
		exhausted := total < c.demand.Limit && got[f.queue] < c.limit(f.queue)
		c.lanes.claimed(f.lane, c.last[f.lane], exhausted)
	}
	if c.compete {
		c.lanes.merged(c.asked, c.last, total == c.demand.Limit)
	}
}

// claimedRow is where the rows of a claim are scanned to, one after the other: nothing
// is allocated for a row but its arguments.
type claimedRow struct {
	id, position, timeout        int64
	jobType, queue               pgtype.DriverBytes // valid until the next row
	priority                     int16
	attempt, crashes, maxRetries int
	args, rare                   []byte
	queuedAt                     pgtype.Timestamptz
	names                        map[string]string // of types and queues seen: few among many jobs
	columns                      []any
}

func newClaimedRow() *claimedRow {
	r := &claimedRow{names: map[string]string{}}
	r.columns = []any{
		&r.id, &r.jobType, &r.queue, &r.priority, &r.position, &r.attempt, &r.crashes,
		&r.args, &r.maxRetries, &r.timeout, &r.queuedAt, &r.rare,
	}
	return r
}

// name is a text that has likely been seen before.
func (r *claimedRow) name(text pgtype.DriverBytes) string {
	name, seen := r.names[string(text)]
	if !seen {
		name = string(text)
		r.names[name] = name
	}
	return name
}

func (c *claiming) scan(r row) error {
	at := c.row
	at.args, at.rare = nil, nil // scanned values are copied into new ones
	if err := r.Scan(at.columns...); err != nil {
		return err
	}
	if at.args == nil {
		c.missing = append(c.missing, at.id)
		return nil
	}
	job := store.Job{
		ID: at.id, Type: at.name(at.jobType), Queue: at.name(at.queue), Priority: int(at.priority), Args: at.args,
		Status: store.Running, Attempt: at.attempt + 1, Crashes: at.crashes, MaxRetries: at.maxRetries,
		Timeout: time.Duration(at.timeout) * time.Microsecond, QueuedAt: timeOf(at.queuedAt),
		StartedAt: c.now, Token: c.demand.Token, ProcessID: c.demand.ProcessID,
	}
	if at.rare != nil {
		if err := rare.Add(&job, at.rare); err != nil {
			return fmt.Errorf("job %d: %w", job.ID, err)
		}
	}
	c.last[lane{job.Queue, at.priority}] = at.position // they come in their order
	c.jobs = append(c.jobs, job)
	return nil
}

// committed: a claim makes no news. Rows without a job are dropped, since nothing
// is left to perform.
func (c *claiming) committed(*news) {
	if !c.demand.Suspects {
		c.remember()
	}
	if len(c.missing) > 0 {
		missing := c.missing
		go c.store.work.do(context.Background(), &request{run: func(r *session) error {
			_, err := r.exec("drop_claims", missing)
			return err
		}})
	}
}
