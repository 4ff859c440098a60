package sqlite

import (
	"container/heap"
	"database/sql"
	"maps"
	"slices"
)

// inLine is a ready job with its place in the claim order.
type inLine struct{ id, priority, position int64 }

func (a inLine) before(b inLine) bool {
	return a.priority > b.priority || a.priority == b.priority && a.position < b.position
}

// lane is the line of one queue, as far as it has been looked at.
type lane struct {
	queue string
	front []inLine // in the claim order
	next  int      // those before have been taken
	depth int      // how far it was looked at
	limit int      // how many jobs it may give
}

func (l *lane) head() inLine { return l.front[l.next] }

// lanes is a heap of lines: the one whose next job comes first is on top.
type lanes []*lane

func (l lanes) Len() int           { return len(l) }
func (l lanes) Less(i, j int) bool { return l[i].head().before(l[j].head()) }
func (l lanes) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lanes) Push(x any)        { *l = append(*l, x.(*lane)) }
func (l *lanes) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// How many jobs of a line are looked at once its first is taken: its share of what is
// wanted, twice, and four times as many whenever that was not far enough.
const glance, deeper = 2, 4

// pick finds the first jobs of all lines together. It looks at the first of each, and
// further only into those that it takes from.
func (c *claiming) pick(s *session) ([]inLine, error) {
	all, err := c.heads(s)
	if err != nil {
		return nil, err
	}
	depth := c.demand.Limit/max(1, len(all))*glance + 1
	heap.Init(&all)
	var line []inLine
	for len(line) < c.demand.Limit && len(all) > 0 {
		first := all[0]
		line = append(line, first.head())
		first.next++
		if first.next == len(first.front) && first.next == first.depth && first.depth < first.limit {
			if err := c.look(s, first, max(depth, deeper*first.depth)); err != nil {
				return nil, err
			}
		}
		if first.next == len(first.front) {
			heap.Pop(&all)
		} else {
			heap.Fix(&all, 0)
		}
	}
	return line, nil
}

// heads are the lines that have something for the demand, with the first job of each.
// Those of paused queues are left out.
func (c *claiming) heads(s *session) (all lanes, err error) {
	queues := slices.Sorted(maps.Keys(c.demand.Queues))
	if c.demand.Queues == nil {
		if queues, err = readyQueues(s, c.demand.Suspects); err != nil {
			return nil, err
		}
	}
	if len(queues) == 0 {
		return nil, nil
	}
	statement := "heads"
	if c.demand.Suspects {
		statement = "heads_of_suspects"
	}
	err = s.query(statement, func(r *sql.Rows) error {
		l, head := &lane{depth: 1}, inLine{}
		err := r.Scan(&l.queue, &head.id, &head.priority, &head.position)
		l.front, l.limit = []inLine{head}, c.limit(l.queue)
		if l.limit > 0 {
			all = append(all, l)
		}
		return err
	}, texts(queues), c.types)
	return all, err
}

// limit is how many jobs a queue may give.
func (c *claiming) limit(queue string) int {
	if c.demand.Queues == nil {
		return c.demand.Limit
	}
	return min(c.demand.Queues[queue], c.demand.Limit)
}

// look finds the first jobs of a line.
func (c *claiming) look(s *session, l *lane, depth int) error {
	statement := "front_of_line"
	if c.demand.Suspects {
		statement = "front_of_suspects"
	}
	l.depth, l.front = min(depth, l.limit), l.front[:0]
	return s.query(statement, func(r *sql.Rows) error {
		var job inLine
		err := r.Scan(&job.id, &job.priority, &job.position)
		l.front = append(l.front, job)
		return err
	}, l.queue, c.types, l.depth)
}

// readyQueues are the queues in which jobs are ready, or suspects, by name.
func readyQueues(s *session, suspects bool) (queues []string, err error) {
	statement := "ready_queues"
	if suspects {
		statement = "queues_of_suspects"
	}
	err = s.query(statement, func(r *sql.Rows) error {
		var queue string
		err := r.Scan(&queue)
		queues = append(queues, queue)
		return err
	})
	return queues, err
}
