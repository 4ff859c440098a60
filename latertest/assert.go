package latertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// Enqueued asserts that jobs of a type were enqueued, whatever has become of them,
// and returns them, oldest first: at least one, or as many as Times says, of those that
// all matches select.
func Enqueued[A any](t testing.TB, queue *later.JobQueue, definition Definition[A], matches ...Match) []Job[A] {
	t.Helper()
	return assert(t, queue, definition, "enqueued", wantedBy(matches), func(later.Job) bool { return true })
}

// NotEnqueued asserts that no job of a type was enqueued, of those that all matches
// select.
func NotEnqueued[A any](t testing.TB, queue *later.JobQueue, definition Definition[A], matches ...Match) {
	t.Helper()
	Enqueued(t, queue, definition, none(matches)...)
}

// Performed is Enqueued for jobs that have been performed at least once and whose last
// attempt is over, whatever it led to: the job's status, Attempt and Error say.
func Performed[A any](t testing.TB, queue *later.JobQueue, definition Definition[A], matches ...Match) []Job[A] {
	t.Helper()
	return assert(t, queue, definition, "performed", wantedBy(matches), wasPerformed)
}

// NotPerformed asserts that no job of a type has been performed, of those that all
// matches select.
func NotPerformed[A any](t testing.TB, queue *later.JobQueue, definition Definition[A], matches ...Match) {
	t.Helper()
	Performed(t, queue, definition, none(matches)...)
}

func none(matches []Match) []Match { return append(matches[:len(matches):len(matches)], Times(0)) }

func wasPerformed(job later.Job) bool {
	return !job.StartedAt.IsZero() && job.Status != later.StatusRunning
}

func assert[A any](
	t testing.TB, queue *later.JobQueue, definition Definition[A], what string, want wanted, counts func(later.Job) bool,
) (found []Job[A]) {
	t.Helper()
	all := Jobs(t, queue, definition)
	selected := map[int64]bool{}
	for _, job := range all {
		matches, err := want.selects(job.Job, job.Args)
		if err != nil {
			t.Fatal(err)
		}
		if matches && counts(job.Job) {
			found = append(found, job)
			selected[job.ID] = true
		}
	}
	if !want.met(len(found)) {
		stored, err := queue.Redact(t.Context(), list(t, queue, later.Filter{})...)
		if err != nil {
			t.Fatal(err)
		}
		t.Fatal(complaint(definition.Name(), what, want, len(found)) + shown(stored, definition.Name(), selected))
	}
	return found
}

// complaint says how the number of jobs differs from what was asked for.
func complaint(jobType, what string, want wanted, found int) string {
	text := fmt.Sprintf("%d × %s %s", found, jobType, what)
	if conditions := want.String(); conditions != "" {
		text += " " + conditions
	}
	if want.times == atLeastOne {
		return text + "; want at least 1"
	}
	return fmt.Sprintf("%s; want %d", text, want.times)
}

// maxShown bounds the jobs in a message, of the type in question and of others.
const maxShown = 20

// shown lists what the store holds: the jobs of the type first, those that were
// selected with a mark.
func shown(all []later.Job, jobType string, selected map[int64]bool) string {
	if len(all) == 0 {
		return "\nno job of any type was enqueued"
	}
	var own, others []string
	for _, job := range all {
		mark := "  "
		if selected[job.ID] {
			mark = "* "
		}
		if line := mark + line(job); job.Type == jobType {
			own = append(own, line)
		} else {
			others = append(others, line)
		}
	}
	lines := append(atMost(own), atMost(others)...)
	return "\nenqueued were:\n" + strings.Join(lines, "\n")
}

func atMost(lines []string) []string {
	if len(lines) <= maxShown {
		return lines
	}
	return append(lines[:maxShown:maxShown], fmt.Sprintf("  … and %d more", len(lines)-maxShown))
}

// line is a job in one line.
func line(job later.Job) string {
	text := fmt.Sprintf("job %d %s(%s) %s in %s", job.ID, job.Type, cut(string(job.Args)), job.Status, job.Queue)
	if !job.NextRunAt.IsZero() {
		text += fmt.Sprintf(", due in %v", time.Until(job.NextRunAt).Round(time.Millisecond))
	}
	if job.Attempt > 0 {
		text += fmt.Sprintf(", attempt %d", job.Attempt)
	}
	if job.Crashes > 0 {
		text += fmt.Sprintf(", crashed %d times", job.Crashes)
	}
	if job.Error != "" {
		text += ": " + cut(job.Error)
	}
	return text
}

func cut(text string) string {
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
