package latercli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// selection is the flags that select jobs.
type selection struct {
	filter   later.Filter
	statuses []string
}

func (s *selection) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&s.statuses, "status", nil, "only these statuses, separated by commas")
	flags.StringVar(&s.filter.Type, "type", "", "only this type")
	flags.StringVar(&s.filter.Queue, "queue", "", "only this queue")
	flags.StringVar(&s.filter.User, "user", "", "only this user's")
	flags.StringVar(&s.filter.Target, "target", "", "only for this target")
	flags.StringVar(&s.filter.Tag, "tag", "", "only with this tag")
	flags.StringVar(&s.filter.Text, "text", "", "only with this text in arguments or error")
}

// empty reports whether no flag selects anything.
func (s *selection) empty() bool {
	f := s.filter
	return len(s.statuses) == 0 && f.Type+f.Queue+f.User+f.Target+f.Tag+f.Text == ""
}

func (s *selection) get() (later.Filter, error) {
	for _, name := range s.statuses {
		status := later.JobStatus(name)
		if !status.Valid() {
			return s.filter, usagef("--status %q: choose of %s", name, statusNames())
		}
		if !slices.Contains(s.filter.Status, status) {
			s.filter.Status = append(s.filter.Status, status)
		}
	}
	return s.filter, nil
}

func statusNames() string {
	names := make([]string, len(store.Statuses))
	for i, status := range store.Statuses {
		names[i] = string(status)
	}
	return strings.Join(names, ", ")
}

func parseIDs(args []string) ([]int64, error) {
	ids := make([]int64, len(args))
	for i, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, usagef("%q is not a job id", arg)
		}
		ids[i] = id
	}
	return ids, nil
}
