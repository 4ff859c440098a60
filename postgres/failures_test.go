package postgres_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
)

// TestFailuresOnPostgres: the counts of rules, deadlines and carried values go through
// the database, from one process to the other.
func TestFailuresOnPostgres(t *testing.T) {
	type tenantKey struct{}
	errBusy, errOther := errors.New("it's busy"), errors.New("other")
	errs := []error{errBusy, errOther, errBusy, errOther}
	told := make(chan any, 1)
	number := later.Define[numberArgs]("NumberJob", later.MaxRetries(1), later.Fixed(time.Millisecond), later.Use(later.Carry[string]("tenant", tenantKey{})),
		later.RetryOn(errBusy, later.MaxRetries(2)), later.OnExhausted(func(ctx context.Context, _ later.Job, err error) { told <- ctx.Value(tenantKey{}) }))
	url := pgtest.URL(t)
	schema := inOwnSchema(t, url)
	worker := newQueue(t, open(t, url, schema), later.Config{}, number.Do(func(ctx context.Context, args numberArgs) error {
		if args.N == 0 {
			return errs[later.Running(ctx).Attempt-1]
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}))
	start(t, worker)
	producer := newQueue(t, open(t, url, schema), later.Config{})
	as := func(name string) context.Context { return context.WithValue(t.Context(), tenantKey{}, name) }
	job, err := number.PerformLater(as("acmé"), producer, numberArgs{0})
	if err != nil {
		t.Fatal(err)
	}
	if job = wait(t, producer, job.ID); job.Status != later.StatusFailed || job.Attempt != 4 || job.Error != "other" || <-told != "acmé" {
		t.Errorf("job: %+v", job)
	}
	attempts, err := producer.Attempts(t.Context(), job.ID)
	if err != nil || len(attempts) != 4 || !maps.Equal(attempts[2].RuleRetries, map[string]int{"it's busy": 2}) || attempts[3].RuleRetries != nil {
		t.Errorf("attempts: %+v, %v", attempts, err)
	}
	for text, opt := range map[string]later.CallOption{
		"past its deadline: not performed: it had to start by": later.StartBy(time.Now().Add(-time.Minute)),
		"past its deadline": later.FinishWithin(500 * time.Millisecond),
	} {
		job, err := number.PerformLater(t.Context(), producer, numberArgs{1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if job = wait(t, producer, job.ID); job.Status != later.StatusFailed || job.Attempt != 1 || !strings.HasPrefix(job.Error, text) {
			t.Errorf("job: %+v", job)
		}
	}
}
