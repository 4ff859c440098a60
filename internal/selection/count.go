package selection

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// statusOf is the status of a job that was found by anything else.
var statusOf = "CASE " + of(inFinished, "f.status") + " WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'cancelled' ELSE" +
	" CASE WHEN " + of(inWaiting, "w.kind") + " = 3 THEN 'retrying' WHEN " + of(inWaiting, "1") + " = 1 THEN 'scheduled'" +
	" WHEN " + of(inClaimed, "1") + " = 1 THEN 'running' ELSE 'pending' END END"

var countedBy = map[store.CountBy]string{
	store.CountByStatus: statusOf, store.CountByQueue: "j.queue", store.CountByType: "j.type",
	store.CountByUser: "COALESCE(j.user_id, '')", store.CountByTarget: "COALESCE(j.target_id, '')",
}

// places are all jobs, by where they are: there the status is known without looking for it.
func places() []stream {
	at := func(table, status string) stream { return stream{table: table, id: "p.job_id", status: status} }
	return []stream{
		at("later.finished AS p", "CASE p.status WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'cancelled' ELSE '' END"),
		at("later.waiting AS p", "CASE p.kind WHEN 3 THEN 'retrying' ELSE 'scheduled' END"),
		at("later.claimed AS p", "'running'"),
		at("later.ready AS p", "'pending'"),
	}
}

// Count counts the jobs that f selects, piece by piece as Search looks at them.
func Count(r Reader, d *Dialect, f store.Filter, by []store.CountBy, reach store.Reach) (store.Counted, error) {
	if err := f.Check(); err != nil {
		return store.Counted{}, err
	}
	if err := store.CheckCountBy(by); err != nil {
		return store.Counted{}, err
	}
	plan := planFor(d, f, nil)
	if slices.Contains(by, store.CountByStatus) && plan.paths[0].clause < 0 {
		plan.paths = []path{{places(), -1}}
	}
	c := count{by: by, groups: map[string]*store.CountGroup{}}
	c.look = look{
		reader: r, dialect: d, plan: plan, counts: true, take: c.take,
		reach: Reach{Rows: cmp.Or(reach.Jobs, searchJobs), End: time.Now().Add(cmp.Or(reach.Time, searchTime))},
	}
	if err := c.start(); err != nil {
		return store.Counted{}, err
	}
	counted := store.Counted{Looked: c.found.Looked, Next: c.found.Next}
	for _, g := range c.groups {
		counted.Jobs += g.Jobs
		counted.Groups = append(counted.Groups, *g)
	}
	slices.SortFunc(counted.Groups, func(a, b store.CountGroup) int { return slices.Compare(a.Values, b.Values) })
	return counted, nil
}

// count is a look that keeps no jobs.
type count struct {
	look
	by     []store.CountBy
	groups map[string]*store.CountGroup
}

func (c *count) add(values []string, jobs int64) {
	if jobs == 0 {
		return
	}
	key := store.CountGroup{Values: values}.Key()
	if c.groups[key] == nil {
		c.groups[key] = &store.CountGroup{Values: slices.Clone(values)}
	}
	c.groups[key].Jobs += jobs
}

// take counts the jobs between two ids.
func (c *count) take(low, high int64) (filled bool, err error) {
	if len(c.plan.inGo) == 0 {
		for _, s := range c.streams {
			if err := c.countIn(s, c.rest, low, high); err != nil {
				return false, err
			}
		}
		return false, nil
	}
	ids, err := c.fitting(low, high, math.MaxInt)
	switch {
	case err != nil || len(ids) == 0:
		return false, err
	case len(c.by) == 0:
		c.add(nil, int64(len(ids)))
		return false, nil
	}
	those := clause{of(c.dialect.OneOf, "j.id"), []any{c.dialect.List(ids)}}
	return false, c.countIn(everything(), []clause{those}, low, high)
}

func (c *count) countIn(s stream, rest []clause, low, high int64) error {
	var columns []string
	withJob := false
	for _, by := range c.by {
		if by == store.CountByStatus && s.status != "" {
			columns = append(columns, s.status)
			continue
		}
		columns, withJob = append(columns, countedBy[by]), true
	}
	w := writing{}
	w.add(clause{text: "SELECT " + strings.Join(append(columns, "count(*)"), ", ")})
	w.from(s, rest, low, high, withJob)
	for i := range c.by {
		w.add(clause{text: map[bool]string{true: " GROUP BY ", false: ", "}[i == 0] + strconv.Itoa(i+1)})
	}
	return c.reader.Groups(w.query(c.dialect), len(c.by), c.add)
}
