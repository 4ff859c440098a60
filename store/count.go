package store

import (
	"fmt"
	"slices"
	"strings"
)

// CountBy is what of jobs a count tells apart.
type CountBy string

// What jobs are counted by.
const (
	CountByStatus CountBy = "status"
	CountByQueue  CountBy = "queue"
	CountByType   CountBy = "type"
	CountByUser   CountBy = "user"
	CountByTarget CountBy = "target"
)

// CountBys are all of them.
var CountBys = []CountBy{CountByStatus, CountByQueue, CountByType, CountByUser, CountByTarget}

// Of is what it is of a job; empty: it has none.
func (by CountBy) Of(job *Job) string {
	switch by {
	case CountByStatus:
		return string(job.Status)
	case CountByQueue:
		return job.Queue
	case CountByType:
		return job.Type
	case CountByUser:
		return job.UserID
	case CountByTarget:
		return job.TargetID
	}
	return ""
}

// CheckCountBy refuses what jobs are not counted by, as ErrInvalidFilter. Count checks it
// first.
func CheckCountBy(by []CountBy) error {
	for i, one := range by {
		switch {
		case !slices.Contains(CountBys, one):
			return fmt.Errorf("%w: jobs are not counted by %q", ErrInvalidFilter, one)
		case slices.Contains(by[:i], one):
			return fmt.Errorf("%w: %q is asked for twice", ErrInvalidFilter, one)
		}
	}
	return nil
}

// Counted is what a count has found.
type Counted struct {
	Jobs   int64        `json:"jobs"`   // all of them
	Groups []CountGroup `json:"groups"` // by their values; of a count by nothing one without any, if there are jobs
	Looked int64        `json:"looked"` // at so many jobs
	Next   int64        `json:"next"`   // the Filter.Before to go on with; 0: this was all
}

// CountGroup is the jobs that have the same values.
type CountGroup struct {
	Values []string `json:"values"` // in the order that was asked for
	Jobs   int64    `json:"jobs"`
}

// Add takes in a further part of the same count.
func (c *Counted) Add(more Counted) {
	at := map[string]int{}
	for i, g := range c.Groups {
		at[g.Key()] = i
	}
	for _, g := range more.Groups {
		if i, known := at[g.Key()]; known {
			c.Groups[i].Jobs += g.Jobs
			continue
		}
		at[g.Key()] = len(c.Groups)
		c.Groups = append(c.Groups, g)
	}
	slices.SortFunc(c.Groups, func(a, b CountGroup) int { return slices.Compare(a.Values, b.Values) })
	c.Jobs, c.Looked, c.Next = c.Jobs+more.Jobs, c.Looked+more.Looked, more.Next
}

// Key tells groups apart: with the lengths, since values may hold whatever separates them.
func (g CountGroup) Key() string {
	var b strings.Builder
	for _, value := range g.Values {
		fmt.Fprintf(&b, "%d:%s", len(value), value)
	}
	return b.String()
}
