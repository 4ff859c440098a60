package later_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

type receiptOf struct {
	Order int    `json:"order"`
	Card  string `json:"card" later:"redact"`
}

// TestRedactedResultsOfSteps: the handler gets back what its steps returned, nobody else
// sees the tagged fields.
func TestRedactedResultsOfSteps(t *testing.T) {
	text := later.Define[textArgs]("TextJob", later.Fixed(0))
	charge := func(context.Context) ([]receiptOf, error) { return []receiptOf{{7, "4000 1234"}}, nil }
	queue := newQueue(t, later.Config{}, text.Do(func(ctx context.Context, _ textArgs) error {
		receipts, err := later.Step(ctx, "charge", charge)
		if err != nil || len(receipts) != 1 || receipts[0] != (receiptOf{7, "4000 1234"}) {
			return later.Discard(errors.New("the step returned something else"))
		}
		if later.Running(ctx).Attempt == 1 && len(receipts) == 1 {
			if _, err := later.Step(ctx, "plain", func(context.Context) (int, error) { return 5, nil }); err != nil {
				return err
			}
		}
		return nil
	}))
	start(t, queue)
	job := enqueue(t, text, queue, textArgs{})
	wantStatus(t, wait(t, queue, job.ID), later.StatusCompleted)
	steps, err := queue.Steps(t.Context(), job.ID)
	if err != nil || len(steps) != 2 {
		t.Fatalf("steps: %v %v", steps, err)
	}
	results := string(steps[0].Result) + string(steps[1].Result)
	if strings.Contains(results, "4000") || !strings.Contains(results, `"order":7`) || !strings.Contains(results, "5") || strings.Contains(results, "later:redact") {
		t.Errorf("shown are %s", results)
	}
}

// TestRedactedResultsSurviveARetry: what is saved is the whole.
func TestRedactedResultsSurviveARetry(t *testing.T) {
	text := later.Define[textArgs]("TextJob", later.Fixed(0))
	tries := 0
	queue := newQueue(t, later.Config{}, text.Do(func(ctx context.Context, _ textArgs) error {
		tries++
		receipt, err := later.Step(ctx, "charge", func(context.Context) (*receiptOf, error) { return &receiptOf{tries, "4000 1234"}, nil })
		if err == nil && (receipt.Order != 1 || receipt.Card != "4000 1234") {
			err = later.Discard(errors.New("the step was run again, or lost a field"))
		}
		if err == nil && tries == 1 {
			err = errors.New("not yet")
		}
		return err
	}))
	start(t, queue)
	wantStatus(t, wait(t, queue, enqueue(t, text, queue, textArgs{}).ID), later.StatusCompleted)
}
