package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/rare"
	"github.com/laterjobs/later/store"
)

// Claim hands over ready jobs. If nothing is ready it only reads.
func (s *Store) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if d.Limit <= 0 || len(d.Types) == 0 {
		return nil, ctx.Err()
	}
	c := newClaiming(d, orNow(now))
	r := &request{rank: rankClaim, idle: c.idle, run: c.run, size: min(d.Limit, 1000) * rowSize / 2}
	if err := s.do(ctx, r); err != nil {
		return nil, err
	}
	return c.jobs, nil
}

// Suspected reports whether a claim of suspects would find one.
func (s *Store) Suspected(ctx context.Context, d store.Demand) (bool, error) {
	if len(d.Types) == 0 {
		return false, ctx.Err()
	}
	d.Suspects, d.Limit = true, 1
	c := newClaiming(d, time.Time{})
	var lines lanes
	err := s.read(ctx, func(s *session) (err error) {
		lines, err = c.heads(s)
		return err
	})
	return len(lines) > 0, err
}

// claiming is one claim under way.
type claiming struct {
	demand store.Demand
	types  string
	now    time.Time
	jobs   []store.Job
	row    *claimedRow
}

func newClaiming(d store.Demand, now time.Time) *claiming {
	return &claiming{demand: d, types: texts(d.Types), now: now}
}

func (c *claiming) idle(s *session) bool {
	c.jobs = nil
	lines, err := c.heads(s)
	return err == nil && len(lines) == 0
}

// run forgets what an earlier try has found: that was rolled back.
func (c *claiming) run(s *session) error {
	c.jobs = nil
	line, err := c.pick(s)
	if err != nil || len(line) == 0 {
		return err
	}
	list := make([]int64, len(line))
	for i, job := range line {
		list[i] = job.id
	}
	text := ids(list)
	if _, err := s.exec("claim", text, c.demand.Token, c.demand.ProcessID, c.now.UnixMicro()); err != nil {
		return err
	}
	if _, err := s.exec("leave_line", text); err != nil {
		return err
	}
	c.jobs, c.row = slices.Grow(c.demand.Into[:0], len(list)), newClaimedRow()
	if err := s.query("claimed_jobs", c.scan, text, c.demand.Token); err != nil {
		return err
	}
	inOrder(c.jobs, list)
	if err := freeWaitingKeys(s, c.jobs); err != nil || len(c.jobs) == len(list) {
		return err
	}
	// Somebody has deleted rows of later_job: nothing is left to perform. Or somebody
	// has put jobs into the line that another process has in hand.
	return s.execIDs(list, "drop_claims_without_job", "drop_keys_without_job")
}

// inOrder brings jobs into the order of the ids, in which they nearly always are.
func inOrder(jobs []store.Job, list []int64) {
	place := 0
	for _, job := range jobs {
		for place < len(list) && list[place] != job.ID {
			place++
		}
	}
	if place < len(list) || len(jobs) == 0 {
		return
	}
	places := make(map[int64]int, len(list))
	for i, id := range list {
		places[id] = i
	}
	slices.SortFunc(jobs, func(a, b store.Job) int { return places[a.ID] - places[b.ID] })
}

// claimedRow is where the rows of a claim are scanned to, one after the other.
type claimedRow struct {
	job               store.Job
	args              string
	user, target      sql.NullString
	timeout, queuedAt int64
	rare              sql.NullString
	columns           []any
}

func newClaimedRow() *claimedRow {
	r := &claimedRow{}
	r.columns = []any{
		&r.job.ID, &r.job.Type, &r.job.Queue, &r.job.Priority, &r.args, &r.user, &r.target, &r.job.MaxRetries, &r.timeout, &r.queuedAt,
		&r.job.Attempt, &r.job.Crashes, &r.rare,
	}
	return r
}

func (c *claiming) scan(r *sql.Rows) error {
	row := c.row
	if err := r.Scan(row.columns...); err != nil {
		return err
	}
	c.jobs = append(c.jobs, row.job)
	job := &c.jobs[len(c.jobs)-1]
	job.Status, job.Token, job.ProcessID, job.StartedAt = store.Running, c.demand.Token, c.demand.ProcessID, micro(c.now)
	job.Args = json.RawMessage(row.args)
	job.UserID, job.TargetID = row.user.String, row.target.String
	job.Timeout = time.Duration(row.timeout) * time.Microsecond
	job.QueuedAt = timeOf(sql.NullInt64{Int64: row.queuedAt, Valid: true})
	job.Attempt++
	if row.rare.Valid {
		if err := rare.Add(job, []byte(row.rare.String)); err != nil {
			return fmt.Errorf("job %d: %w", job.ID, err)
		}
		if job.Metadata != nil {
			job.Metadata = valid(job.Metadata)
		}
	}
	return nil
}
