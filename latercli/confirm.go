package latercli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
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
	verb        string // "cancel"
	dryRun, yes bool
}

func (b *bulk) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&b.dryRun, "dry-run", "n", false, "say what would be changed, and change nothing")
	cmd.Flags().BoolVarP(&b.yes, "yes", "y", false, "do not ask")
}

// affected is the jobs that a change would be about.
type affected struct {
	IDs      []int64                 `json:"-"`
	Count    int                     `json:"count"`
	ByStatus map[later.JobStatus]int `json:"by_status"`
	Samples  []later.Job             `json:"samples"` // three of the newest
}

// find looks for the jobs that a filter selects.
func (a *app) find(ctx context.Context, q *later.JobQueue, f later.Filter) (found affected, err error) {
	found.ByStatus = map[later.JobStatus]int{}
	bar := a.progress("looking for jobs", 0)
	defer bar.end()
	err = eachPage(ctx, q, f, func(jobs []later.Job) error {
		for _, job := range jobs {
			found.IDs = append(found.IDs, job.ID)
			found.ByStatus[job.Status]++
			if len(found.Samples) < 3 {
				found.Samples = append(found.Samples, job)
			}
		}
		bar.add(len(jobs))
		return nil
	})
	if err != nil {
		return found, err
	}
	found.Count = len(found.IDs)
	found.Samples, err = q.Redact(ctx, found.Samples...)
	return found, err
}

// decide shows what a change would be about, and lets a person decide if it is more than
// one job. It goes on with true and no error.
func (a *app) decide(b bulk, found affected) (goOn bool, err error) {
	if b.dryRun && a.json() {
		return false, a.printJSON(found)
	}
	if !b.dryRun && (b.yes || found.Count <= 1) {
		return true, nil
	}
	to := a.err
	if b.dryRun {
		to = a.out
	}
	fmt.Fprintf(to, "would %s %s: %s\n", b.verb, plural(found.Count, "job"), breakdown(found.ByStatus))
	for _, job := range found.Samples {
		fmt.Fprintf(to, "  %d  %s  %s  %s  queued %s\n", job.ID, printable(job.Type), printable(job.Queue), job.Status, when(job.QueuedAt, time.Now()))
	}
	if more := found.Count - len(found.Samples); more > 0 {
		fmt.Fprintf(to, "  and %d more\n", more)
	}
	if b.dryRun {
		return false, nil
	}
	return true, a.ask(fmt.Sprintf("%s %s?", b.verb, plural(found.Count, "job")))
}

func breakdown(counts map[later.JobStatus]int) string {
	return breakdownOf(func(status later.JobStatus) (string, bool) { return strconv.Itoa(counts[status]), counts[status] > 0 })
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
