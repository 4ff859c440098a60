package engine

import (
	"context"
	"time"
)

const (
	// pruneEvery is how often finished jobs past their retention are deleted.
	pruneEvery = 10 * time.Minute
	// pruneSlice bounds one deletion, so that work goes on beside it.
	pruneSlice = 500
)

// pruner deletes old finished jobs, slice by slice in the order of their ids.
type pruner struct {
	*Engine
	trouble trouble
}

func (e *Engine) newPruner() *pruner { return &pruner{Engine: e, trouble: trouble{dice: e.newDice()}} }

func (p *pruner) prune(ctx context.Context) time.Duration {
	total, after := 0, int64(0)
	for {
		deleted, next, err := p.store.Prune(ctx, p.cfg.Retention, after, pruneSlice, p.now())
		switch {
		case ctx.Err() != nil:
			return 0
		case err != nil:
			return p.trouble.met(p.log, "prune old jobs", err)
		}
		p.trouble.over(p.log, "prune old jobs")
		total += deleted
		if next == 0 {
			break
		}
		after = next
	}
	if total > 0 {
		p.log.Info("pruned old jobs", "jobs", total)
	}
	return 0
}
