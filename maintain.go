package later

import (
	"context"
	"fmt"

	"github.com/laterjobs/later/store"
)

// Check looks whether the store is sound and whether what it holds fits together, and
// says what does not. It reads everything, while others work.
func (q *JobQueue) Check(ctx context.Context) (problems []string, err error) {
	checker, ok := q.store.(store.Checker)
	if !ok {
		return nil, fmt.Errorf("check the store: %w: a %T cannot check itself", ErrUnsuitable, q.store)
	}
	if problems, err = checker.Check(ctx); err != nil {
		return nil, fmt.Errorf("check the store: %w", err)
	}
	return problems, nil
}

// Backup writes a copy of the store, as it is at one moment, to a file that does not exist
// yet, and checks it, while others work. ErrUnsuitable: the store is no SQLite file; copy
// it with the tools of its database. ErrConflict: the file exists.
func (q *JobQueue) Backup(ctx context.Context, path string) error {
	backer, ok := q.store.(store.Backer)
	if !ok {
		return fmt.Errorf("back up the store: %w: a database server copies its databases with its own tools", ErrUnsuitable)
	}
	if err := backer.Backup(ctx, path); err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	return nil
}

// pruneSlice bounds one deletion of Prune, so that work goes on beside it.
const pruneSlice = 500

// Prune deletes the finished jobs that are older than keep says for their status, and
// returns how many those were: what processes do every ten minutes by Config.Retention.
// Zero deletes all of a status; negative none. A job that holds its unique key for a
// period is kept that long.
func (q *JobQueue) Prune(ctx context.Context, keep Retention) (deleted int, err error) {
	for after := int64(0); ; {
		n, next, err := q.store.Prune(ctx, keep, after, pruneSlice, q.now())
		if deleted += n; err != nil {
			return deleted, fmt.Errorf("prune: %w", err)
		}
		if next == 0 {
			return deleted, nil
		}
		after = next
	}
}

// Export returns whole jobs, with history and as they are stored, whose ids are above
// after, rising: at most limit, and fewer where they are large. None: there are no more.
func (q *JobQueue) Export(ctx context.Context, after int64, limit int) ([]store.Record, error) {
	records, err := q.store.Export(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("export jobs: %w", err)
	}
	return records, nil
}

// Import stores whole jobs of an Export, all of them or none. Those whose id exists are
// left alone. A job that ran becomes pending.
func (q *JobQueue) Import(ctx context.Context, records []store.Record) error {
	if err := q.store.Import(ctx, records); err != nil {
		return fmt.Errorf("import jobs: %w", err)
	}
	return nil
}
