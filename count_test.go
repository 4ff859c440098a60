package later_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/laterjobs/later"
)

// TestCountInManyGroups: what a count keeps in memory is bounded.
func TestCountInManyGroups(t *testing.T) {
	queue := later.New(open(t, ":memory:"), later.Config{})
	job := later.Define[struct{}]("PlainJob")
	calls := make([]later.Call, 10_001)
	for i := range calls {
		calls[i] = job.With(struct{}{}, later.User(fmt.Sprint(i)))
	}
	for half := range 2 {
		if _, err := queue.EnqueueAll(t.Context(), calls[half*5000:5000+half*5001]...); err != nil {
			t.Fatal(err)
		}
	}
	if counted, err := queue.Count(t.Context(), later.Filter{}, later.CountByUser); !errors.Is(err, later.ErrTooLarge) {
		t.Errorf("%d groups, %v; expected ErrTooLarge", len(counted.Groups), err)
	}
	if counted, err := queue.Count(t.Context(), later.Filter{}); counted.Jobs != int64(len(calls)) || err != nil {
		t.Errorf("counted %d, %v", counted.Jobs, err)
	}
	if _, err := queue.Count(t.Context(), later.Filter{}, "colour"); !errors.Is(err, later.ErrInvalidFilter) {
		t.Errorf("a count by colour: %v", err)
	}
}
