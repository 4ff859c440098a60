package latertest

import (
	"slices"
	"testing"

	"github.com/laterjobs/later"
)

// Job is a stored job with its decoded arguments.
type Job[A any] struct {
	later.Job
	Args A
}

// Definition is a *later.Definition[A] or a *later.ResultDefinition[A, R].
type Definition[A any] interface {
	Name() string
	Args(later.Job) (A, error)
}

// Jobs returns every job of a type that the store holds, whatever its status is by
// now, oldest first. It asserts nothing: see Enqueued and Performed.
func Jobs[A any](t testing.TB, queue *later.JobQueue, definition Definition[A]) []Job[A] {
	t.Helper()
	var found []Job[A]
	for _, job := range list(t, queue, later.Filter{Type: definition.Name()}) {
		args, err := definition.Args(job)
		if err != nil {
			t.Fatalf("job %d: %v", job.ID, err)
		}
		found = append(found, Job[A]{job, args})
	}
	return found
}

// list returns every job that f selects, oldest first.
func list(t testing.TB, queue *later.JobQueue, f later.Filter) (found []later.Job) {
	t.Helper()
	f.Limit = 1000
	for {
		page, err := queue.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, page...)
		if len(page) < f.Limit {
			slices.Reverse(found)
			return found
		}
		f.Before = page[len(page)-1].ID
	}
}
