package latercli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// errDeclined: a person has said no.
var errDeclined = errors.New("nothing was changed")

// bulk is a change of the jobs that a filter selects.
type bulk struct {
	verb        string            // "cancel"
	of          []later.JobStatus // that it changes; the others it leaves alone
	dryRun, yes bool
}

func (b *bulk) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&b.dryRun, "dry-run", "n", false, "say what would be changed, and change nothing")
	cmd.Flags().BoolVarP(&b.yes, "yes", "y", false, "do not ask")
}

// affected is the jobs that a change would be about.
type affected struct {
	IDs      []int64                   `json:"-"` // if they are few enough to be changed at once
	Count    int64                     `json:"count"`
	ByStatus map[later.JobStatus]int64 `json:"by_status"`
	Samples  []later.Job               `json:"samples"` // three of the newest
}

// find looks for the jobs that a filter selects: many it counts, and reads a few of them.
func (a *app) find(ctx context.Context, q *later.JobQueue, f later.Filter) (found affected, err error) {
	if f, err = q.Guard(ctx, f); err != nil {
		return found, err
	}
	counted, err := a.counted(ctx, q, f, later.CountByStatus)
	if err != nil {
		return found, err
	}
	found.Count, found.ByStatus = counted.Jobs, map[later.JobStatus]int64{}
	for _, group := range counted.Groups {
		found.ByStatus[later.JobStatus(group.Values[0])] = group.Jobs
	}
	f.Limit = sampled
	if found.Count <= mostDirect {
		f.Limit = mostDirect + 1
	}
	jobs, err := q.List(ctx, f)
	if err != nil {
		return found, err
	}
	switch {
	case len(jobs) > mostDirect: // more have come
		found.Count = max(found.Count, int64(len(jobs)))
	case found.Count <= mostDirect: // what is shown is what is changed
		found.IDs, found.Count, found.ByStatus = idsOf(jobs), int64(len(jobs)), map[later.JobStatus]int64{}
		for _, job := range jobs {
			found.ByStatus[job.Status]++
		}
	}
	found.Samples, err = q.Redact(ctx, jobs[:min(len(jobs), sampled)]...)
	return found, err
}

// sampled is how many jobs a person sees before a change of many.
const sampled = 3

// decide shows what a change would be about, and lets a person decide if it is more than
// one job. It goes on with true and no error.
func (a *app) decide(b bulk, found affected) (goOn bool, err error) {
	if b.dryRun && a.json() {
		return false, a.printJSON(found)
	}
	count, changed, left := found.split(b.of)
	if !b.dryRun && (b.yes || found.Count <= 1) {
		return true, nil
	}
	to := a.err
	if b.dryRun {
		to = a.out
	}
	fmt.Fprintf(to, "would %s %s: %s\n", b.verb, plural(int(count), "job"), breakdown(changed))
	if len(left) > 0 {
		fmt.Fprintf(to, "would leave alone: %s\n", breakdown(left))
	}
	for _, job := range found.Samples {
		fmt.Fprintf(to, "  %d  %s  %s  %s  queued %s\n", job.ID, printable(job.Type), printable(job.Queue), job.Status, when(job.QueuedAt, time.Now()))
	}
	if more := found.Count - int64(len(found.Samples)); more > 0 {
		fmt.Fprintf(to, "  and %d more\n", more)
	}
	if b.dryRun {
		return false, nil
	}
	return true, a.ask(fmt.Sprintf("%s %s?", b.verb, plural(int(count), "job")))
}

// split counts the jobs of the statuses that a change is about, and those that it leaves
// alone.
func (f affected) split(of []later.JobStatus) (count int64, changed, left map[later.JobStatus]int64) {
	changed, left = map[later.JobStatus]int64{}, map[later.JobStatus]int64{}
	for status, n := range f.ByStatus {
		if slices.Contains(of, status) {
			changed[status] = n
			count += n
		} else {
			left[status] = n
		}
	}
	return count, changed, left
}

func breakdown[N int | int64](counts map[later.JobStatus]N) string {
	return breakdownOf(func(status later.JobStatus) (string, bool) { return fmt.Sprint(counts[status]), counts[status] > 0 })
}

// breakdownOf is how many jobs are in each status that has any.
func breakdownOf(of func(later.JobStatus) (text string, any bool)) string {
	var parts []string
	for _, status := range store.Statuses {
		if text, any := of(status); any {
			parts = append(parts, text+" "+string(status))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// ask lets a person say yes.
func (a *app) ask(question string) error {
	if a.noInput || !isTerminalReader(a.in) {
		return usagef("%s Nobody is there to answer: add --yes, or --dry-run to see what it would do", question)
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); err == nil && (answer == "y" || answer == "yes") {
		return nil
	}
	return errDeclined
}
