package sqlite

import (
	"container/heap"
	"database/sql"
)

// inLine is a ready job with its place in the claim order.
type inLine struct{ id, priority, position int64 }

func (a inLine) before(b inLine) bool {
	return a.priority > b.priority || a.priority == b.priority && a.position < b.position
}

// lane is the line of one queue, as far as it has been looked at.
type lane struct {
	queue string
	limit int      // how many jobs it may give
	front []inLine // in the claim order
	next  int      // those before have been taken
	depth int      // how far it was looked at
}

// lanes merges lines: the one whose next job comes first is on top.
type lanes []*lane

func (l lanes) Len() int           { return len(l) }
func (l lanes) Less(i, j int) bool { return l[i].front[l[i].next].before(l[j].front[l[j].next]) }
func (l lanes) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lanes) Push(x any)        { *l = append(*l, x.(*lane)) }
func (l *lanes) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// glance is how many jobs a claim looks at, for each that it wants, before it knows
// which lines they are in. Where more of them are in one line, that is looked at again.
const glance = 2

// pick finds the first jobs of all lines together. How many it looks at does not grow
// with the number of lines.
func (c *claiming) pick(s *session, most int) ([]inLine, error) {
	limits, err := c.limits(s)
	if err != nil {
		return nil, err
	}
	var all lanes
	for queue, limit := range limits {
		l := &lane{queue: queue, limit: min(limit, most)}
		if err := c.look(s, l, most/len(limits)*glance+1); err != nil {
			return nil, err
		}
		if len(l.front) > 0 {
			all = append(all, l)
		}
	}
	heap.Init(&all)
	var line []inLine
	for len(line) < most && len(all) > 0 {
		first := all[0]
		line = append(line, first.front[first.next])
		first.next++
		if first.next == len(first.front) && first.next == first.depth {
			if err := c.look(s, first, deeper*first.depth); err != nil {
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

// deeper is how much further a line is looked at when that was not far enough.
const deeper = 4

// look finds the first jobs of a line, as many as it may give or depth.
func (c *claiming) look(s *session, l *lane, depth int) error {
	if depth = min(depth, l.limit); depth == l.depth {
		return nil
	}
	l.depth, l.front = depth, l.front[:0]
	return s.query(c.front, func(r *sql.Rows) error {
		var job inLine
		err := r.Scan(&job.id, &job.priority, &job.position)
		l.front = append(l.front, job)
		return err
	}, l.queue, c.types, depth)
}

// limits says how many to take from which queue. Paused ones are left out.
func (c *claiming) limits(s *session) (map[string]int, error) {
	limits := map[string]int{}
	if c.demand.Queues == nil {
		queues, err := readyQueues(s, c.demand.Suspects)
		if err != nil {
			return nil, err
		}
		for _, queue := range queues {
			limits[queue] = c.demand.Limit
		}
	}
	for queue, limit := range c.demand.Queues {
		if limit > 0 {
			limits[queue] = limit
		}
	}
	if len(limits) == 0 {
		return limits, nil
	}
	err := s.query("paused_queues", func(r *sql.Rows) error {
		var queue string
		err := r.Scan(&queue)
		delete(limits, queue)
		return err
	})
	return limits, err
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
