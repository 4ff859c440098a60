package later_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/laterjobs/later"
)

// TestIdempotencyKey: a job has one for all its attempts, whatever becomes of it, and
// shares it with no other.
func TestIdempotencyKey(t *testing.T) {
	number := later.Define[numberArgs]("NumberJob", later.MaxRetries(0))
	keys := make(chan string, 1)
	queue := newQueue(t, later.Config{}, number.Do(func(ctx context.Context, _ numberArgs) error {
		keys <- later.Running(ctx).IdempotencyKey()
		return errors.New("not yet")
	}))
	start(t, queue)
	job := enqueue(t, number, queue, numberArgs{1})
	first := receive(t, keys)
	wait(t, queue, job.ID)
	if err := queue.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if again := receive(t, keys); again != first {
		t.Errorf("the key was %q, after a retry %q", first, again)
	}
	seen := []string{first}
	enqueue(t, number, queue, numberArgs{1})
	seen = append(seen, receive(t, keys))
	for range 2 {
		_ = number.PerformNow(t.Context(), queue, numberArgs{1})
		seen = append(seen, receive(t, keys))
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 4 || seen[0] == "" {
		t.Errorf("two jobs share a key: %q", seen)
	}
	if none := later.Running(t.Context()).IdempotencyKey(); none != "" {
		t.Errorf("outside of a handler: %q", none)
	}
}
