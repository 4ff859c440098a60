package latercli

import (
	"context"
	"io"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// selection is the flags that select jobs.
type selection struct {
	filter   later.Filter
	statuses []string
	where    string
}

func (a *app) selectionFlags(s *selection, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&s.where, "where", "w", "", "a query, such as 'status:failed type:EmailJob queued:<2h': see help query")
	flags.StringSliceVar(&s.statuses, "status", nil, "only these statuses, separated by commas")
	flags.StringVar(&s.filter.Type, "type", "", "only this type")
	flags.StringVar(&s.filter.Queue, "queue", "", "only this queue")
	flags.StringVar(&s.filter.User, "user", "", "only this user's")
	flags.StringVar(&s.filter.Target, "target", "", "only for this target")
	flags.StringVar(&s.filter.Tag, "tag", "", "only with this tag")
	flags.StringVar(&s.filter.Text, "text", "", "only with this text in arguments or error")
	a.complete(cmd, "status", statusNames)
	a.complete(cmd, "type", typeNames)
	a.complete(cmd, "queue", queueNames)
}

// empty reports whether no flag selects anything.
func (s *selection) empty() bool {
	f := s.filter
	return len(s.statuses) == 0 && f.Type+f.Queue+f.User+f.Target+f.Tag+f.Text+strings.TrimSpace(s.where) == ""
}

// get is what all flags together select: the query is written with them.
func (s *selection) get(now time.Time) (later.Filter, error) {
	text := s.where
	for _, flag := range []struct{ field, value string }{
		{"status", strings.Join(s.statuses, ",")}, {"type", s.filter.Type}, {"queue", s.filter.Queue}, {"user", s.filter.User},
		{"target", s.filter.Target}, {"tag", s.filter.Tag}, {"text", s.filter.Text},
	} {
		if flag.value != "" {
			text += " " + query.Term(flag.field, flag.value)
		}
	}
	for _, name := range s.statuses {
		if !later.JobStatus(name).Valid() {
			return later.Filter{}, usagef("--status %q: choose one of %s", name, strings.Join(allStatuses(), ", "))
		}
	}
	f, err := query.Parse(text, now)
	if err != nil {
		return f, usagef("%w", err)
	}
	return f, nil
}

func allStatuses() []string {
	names := make([]string, len(store.Statuses))
	for i, status := range store.Statuses {
		names[i] = string(status)
	}
	return names
}

// parseIDs reads ids: 42, #42, the address of a job's page, or - for those that stand on
// the standard input.
func (a *app) parseIDs(args []string) ([]int64, error) {
	var ids []int64
	for _, arg := range args {
		if arg == "-" {
			text, err := io.ReadAll(a.in)
			if err != nil {
				return nil, err
			}
			more, err := a.parseIDs(slices.DeleteFunc(strings.Fields(string(text)), func(s string) bool { return s == "-" }))
			if err != nil {
				return nil, err
			}
			ids = append(ids, more...)
			continue
		}
		id, err := parseID(arg)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func parseID(arg string) (int64, error) {
	text := strings.TrimPrefix(arg, "#")
	if page, err := url.Parse(text); err == nil && page.Host != "" {
		text = path.Base(page.Path)
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, usagef("%q is no id: write a number, as list prints it", arg)
	}
	return id, nil
}

// pageSize is how many jobs eachPage reads at once.
const pageSize = 1000

// eachPage calls do with the jobs that f selects, newest first.
func eachPage(ctx context.Context, q *later.JobQueue, f later.Filter, do func([]later.Job) error) error {
	f, err := q.Guard(ctx, f)
	if err != nil {
		return err
	}
	f.Limit = pageSize
	for {
		jobs, err := q.List(ctx, f)
		if err != nil || len(jobs) == 0 {
			return err
		}
		if err := do(jobs); err != nil {
			return err
		}
		f.Before = jobs[len(jobs)-1].ID
	}
}
