package later

import (
	"context"
	"fmt"

	"github.com/laterjobs/later/store"
)

// The words of counts.
type (
	CountBy    = store.CountBy    // what of jobs a count tells apart
	Counted    = store.Counted    // what a count has found
	CountGroup = store.CountGroup // the jobs that have the same values
)

// What jobs are counted by.
const (
	CountByStatus = store.CountByStatus
	CountByQueue  = store.CountByQueue
	CountByType   = store.CountByType
	CountByUser   = store.CountByUser
	CountByTarget = store.CountByTarget
)

// mostGroups bounds what a count keeps in memory.
const mostGroups = 10_000

// Count counts the jobs that f selects, all of them: in one number, or in a group for each
// combination of what it is asked to count by. It does so in parts of a moment each, and
// reads no job that an index knows enough of: of a million jobs that takes about a second,
// and several if it has to look into their arguments. Stats costs less. ErrInvalidFilter;
// ErrTooLarge: there are more than 10,000 groups.
func (q *JobQueue) Count(ctx context.Context, f Filter, by ...CountBy) (Counted, error) {
	var whole Counted
	for {
		part, err := q.CountPart(ctx, f, by...)
		if err != nil {
			return Counted{}, err
		}
		whole.Add(part)
		if len(whole.Groups) > mostGroups {
			return Counted{}, fmt.Errorf("%w: more than %d groups of jobs by %v; select fewer jobs, or count by less", ErrTooLarge, mostGroups, by)
		}
		if f.Before = part.Next; part.Next == 0 {
			return whole, nil
		}
	}
}

// CountPart is Count for those who show how far they are: it counts for about 250 ms, and
// Counted.Next is the f.Before to go on with. Counted.Add puts the parts together.
func (q *JobQueue) CountPart(ctx context.Context, f Filter, by ...CountBy) (Counted, error) {
	part, err := q.store.Count(ctx, f, by, store.Reach{})
	if err != nil {
		return Counted{}, fmt.Errorf("count jobs: %w", err)
	}
	return part, nil
}
