package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

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
	c.jobs = slices.Grow(c.demand.Into[:0], len(list))
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

func (c *claiming) scan(r *sql.Rows) error {
	var row jobRow
	var lastError, retries sql.NullString
	job := store.Job{
		Status: store.Running, Token: c.demand.Token, ProcessID: c.demand.ProcessID, StartedAt: micro(c.now),
	}
	var p progressRow
	columns := append(row.asked(&job), &job.Attempt, &job.Crashes, &lastError, &retries, &p.done, &p.total, &p.message, &p.at)
	if err := r.Scan(columns...); err != nil {
		return err
	}
	job.Attempt++
	job.Error, job.Progress = lastError.String, p.progress()
	if retries.Valid {
		job.RuleRetries = store.RetriesOf([]byte(retries.String))
	}
	c.jobs = append(c.jobs, row.finish(job))
	return nil
}
