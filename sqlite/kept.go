package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// kept are the named statements of readers, which every connection prepares once: to
// parse them anew was a third of what an idle process did.
type kept struct {
	db *sql.DB

	mu         sync.Mutex
	statements map[string]*sql.Stmt
	closed     bool
}

// reading are the statements of one transaction of a reader.
type reading struct {
	within
	kept  *kept
	fresh []string // names that were not kept
}

func (r *reading) statement(name string) (statement, error) {
	text, named := queries[name]
	if !named {
		return r.within.statement(name)
	}
	if prepared := r.kept.find(name); prepared != nil {
		return keptStatement{r.ctx, r.tx.StmtContext(r.ctx, prepared)}, nil
	}
	r.fresh = append(r.fresh, name)
	return direct{r.within, text}, nil
}

// keptStatement ends with its reader's context, as a direct one does.
type keptStatement struct {
	ctx      context.Context
	prepared *sql.Stmt
}

func (k keptStatement) ExecContext(_ context.Context, args ...any) (sql.Result, error) {
	return k.prepared.ExecContext(k.ctx, args...)
}

func (k keptStatement) QueryContext(_ context.Context, args ...any) (*sql.Rows, error) {
	return k.prepared.QueryContext(k.ctx, args...)
}

func (k *kept) find(name string) *sql.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.statements[name]
}

// keep prepares statements. It needs a connection, so whoever calls it must hold none:
// there may be no more. One that fails is tried again with the next reader.
func (k *kept) keep(ctx context.Context, names []string) {
	for _, name := range names {
		if k.find(name) != nil {
			continue
		}
		prepared, err := k.db.PrepareContext(ctx, queries[name])
		if err == nil && !k.add(name, prepared) {
			_ = prepared.Close() // it has done nothing that could fail
		}
	}
}

// add reports false where there is one already, or nobody reads any more.
func (k *kept) add(name string, prepared *sql.Stmt) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || k.statements[name] != nil {
		return false
	}
	if k.statements == nil {
		k.statements = map[string]*sql.Stmt{}
	}
	k.statements[name] = prepared
	return true
}

func (k *kept) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for _, prepared := range k.statements {
		_ = prepared.Close() // what they read has been returned or has failed
	}
	k.statements = nil
}
