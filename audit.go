package later

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// The words of the audit.
type (
	AuditEntry  = store.AuditEntry  // who has changed what, when and why
	AuditFilter = store.AuditFilter // selects entries; zero fields do not filter
	AuditSource = store.AuditSource // what a person used
)

// What a person used to change something.
const (
	FromProgram   = store.FromProgram   // code that calls the library
	FromDashboard = store.FromDashboard // the pages of package dashboard
	FromCLI       = store.FromCLI       // the command line
	FromAPI       = store.FromAPI       // an interface of your own, for other programs
)

// By says who it is that changes something with the context that it returns: each verb
// that changes jobs, queues or schedules by hand leaves an entry in the audit, in the
// transaction of the change. Without it the entry names the program and its process. A job
// that changes others is named as such.
func By(ctx context.Context, person string, from AuditSource) context.Context {
	return context.WithValue(ctx, actorKey{}, actor{engine.Printable(person, maxPerson), from})
}

// maxPerson bounds the name of a person, in bytes; maxTarget what was changed.
const (
	maxPerson = 200
	maxTarget = 4 << 10
)

type actorKey struct{}

type actor struct {
	person string
	from   AuditSource
}

// actorOf is who acts.
func actorOf(ctx context.Context) actor {
	if who, ok := ctx.Value(actorKey{}).(actor); ok {
		return who
	}
	if job := Running(ctx); job.ID != 0 {
		return actor{engine.Printable(fmt.Sprintf("job %d (%s)", job.ID, job.Type), maxPerson), FromProgram}
	}
	return actor{thisProgram(), FromProgram}
}

// thisProgram names the program and its process.
var thisProgram = sync.OnceValue(func() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return engine.Printable(fmt.Sprintf("%s (%s:%d)", filepath.Base(os.Args[0]), host, os.Getpid()), maxPerson)
})

// entry begins an entry of the audit.
func (q *JobQueue) entry(ctx context.Context, action, kind, target, reason string) *store.AuditEntry {
	who := actorOf(ctx)
	return &store.AuditEntry{
		At: q.now(), Person: who.person, Source: who.from, Action: action,
		Kind: kind, Target: engine.Printable(target, maxTarget), Reason: engine.Printable(reason, maxReason),
	}
}

// entryFor begins an entry on jobs.
func (q *JobQueue) entryFor(ctx context.Context, action string, f Filter, reason string) *store.AuditEntry {
	kind, target := targetOf(f)
	return q.entry(ctx, action, kind, target, reason)
}

// targetOf says which jobs a filter means, in the words of a query as far as it has them.
func targetOf(f Filter) (kind, target string) {
	text, rest := query.Written(f)
	if only := (Filter{IDs: f.IDs}); len(f.IDs) == 1 && sameFilter(only, f) {
		return "job", strconv.FormatInt(f.IDs[0], 10)
	}
	if !sameFilter(rest, Filter{}) {
		if said, err := json.Marshal(rest); err == nil {
			text = strings.TrimSpace(text + " " + string(said))
		}
	}
	return "jobs", text
}

func sameFilter(a, b Filter) bool {
	x, err := json.Marshal(a)
	y, errToo := json.Marshal(b)
	return err == nil && errToo == nil && string(x) == string(y)
}

// logChange writes what the audit has as well to the log: what programs do by the
// thousand only for those who look closely.
func (q *JobQueue) logChange(ctx context.Context, e *store.AuditEntry, jobs int) {
	level := slog.LevelInfo
	if e.Source == FromProgram {
		level = slog.LevelDebug
	}
	q.cfg.Logger.Log(ctx, level, "changed by hand", "person", e.Person, "source", e.Source, "action", e.Action,
		"kind", e.Kind, "target", e.Target, "reason", e.Reason, "jobs", jobs)
}

// Audit returns who has changed what, newest first: at most f.Limit, 100 by default. For
// the next page set f.Before to the id of the last entry. Entries are kept for 90 days.
func (q *JobQueue) Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	entries, err := q.store.Audit(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return entries, nil
}
