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
	"time"

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
	var words []string
	add := func(field, value string) {
		if value != "" {
			words = append(words, query.Term(field, value))
		}
	}
	list := make([]string, len(f.IDs))
	for i, id := range f.IDs {
		list[i] = strconv.FormatInt(id, 10)
	}
	statuses := make([]string, len(f.Status))
	for i, status := range f.Status {
		statuses[i] = string(status)
	}
	addPlain := func(field, value string) { // without quotes: commas and dots say something
		if value != "" {
			words = append(words, field+":"+value)
		}
	}
	addPlain("id", strings.Join(list, ","))
	addPlain("status", strings.Join(statuses, ","))
	add("type", f.Type)
	add("queue", f.Queue)
	add("user", f.User)
	add("target", f.Target)
	add("tag", f.Tag)
	add("cause", f.Cause.String())
	add("text", f.Text)
	addPlain("queued", timeRange(f.QueuedAfter, f.QueuedBefore))
	addPlain("finished", timeRange(f.FinishedAfter, f.FinishedBefore))
	if len(f.IDs) == 1 && len(words) == 1 {
		return "job", list[0]
	}
	return "jobs", strings.Join(append(words, rest(f)...), " ")
}

func timeRange(after, before time.Time) string {
	if after.IsZero() && before.IsZero() {
		return ""
	}
	text := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return text(after) + ".." + text(before)
}

// rest is what targetOf has no words for.
func rest(f Filter) []string {
	f.IDs, f.Status, f.Type, f.Queue, f.User, f.Target, f.Tag, f.Text = nil, nil, "", "", "", "", "", ""
	f.QueuedAfter, f.QueuedBefore, f.FinishedAfter, f.FinishedBefore = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	text, err := json.Marshal(f)
	none, _ := json.Marshal(Filter{}) // always encodes
	if err != nil || string(text) == string(none) {
		return nil
	}
	return []string{string(text)}
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
