package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type keyOfTest struct{}

// A context that nobody has looked at yet must end in every way like a real one.
func TestRunContext(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		events  func(c *runContext)
		err     error
		cause   error
	}{
		{"goes on", 0, func(*runContext) {}, nil, nil},
		{"goes on before its deadline", time.Hour, func(*runContext) { time.Sleep(time.Minute) }, nil, nil},
		{"times out", time.Minute, func(*runContext) { time.Sleep(time.Minute) }, context.DeadlineExceeded, ErrTimeout},
		{"is ended", 0, func(c *runContext) { c.end(ErrStopping) }, context.Canceled, ErrStopping},
		{"is ended before its deadline", time.Minute, func(c *runContext) { c.end(ErrStopping); time.Sleep(time.Hour) },
			context.Canceled, ErrStopping},
		{"is ended after its deadline", time.Minute, func(c *runContext) { time.Sleep(time.Hour); c.end(ErrStopping) },
			context.DeadlineExceeded, ErrTimeout},
		{"is ended twice", 0, func(c *runContext) { c.end(ErrCancelled); c.end(ErrStopping) }, context.Canceled, ErrCancelled},
		{"is over", time.Minute, func(c *runContext) { c.end(nil) }, context.Canceled, context.Canceled},
	} {
		for _, looked := range []string{"never", "before", "after"} {
			t.Run(test.name+", looked at "+looked, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &runContext{base: context.WithValue(t.Context(), keyOfTest{}, "value"), overrun: ErrTimeout}
					if test.timeout > 0 {
						c.deadline = time.Now().Add(test.timeout)
					}
					if looked == "before" {
						c.Done()
					}
					test.events(c)
					synctest.Wait()
					if looked == "after" {
						c.Done()
					}
					mustBe(t, c, test.err, test.cause)
					c.end(nil) // stops the timer
				})
			})
		}
	}
}

func mustBe(t *testing.T, c *runContext, err, cause error) {
	t.Helper()
	if got := c.why(); !errors.Is(got, cause) {
		t.Errorf("why %v, want %v", got, cause)
	}
	if got := c.Err(); got != err {
		t.Errorf("error %v, want %v", got, err)
	}
	if got := context.Cause(c); got != cause {
		t.Errorf("cause %v, want %v", got, cause)
	}
	if got := c.Value(keyOfTest{}); got != "value" {
		t.Errorf("value %v", got)
	}
	select {
	case <-c.Done():
		if err == nil {
			t.Error("done")
		}
	default:
		if err != nil {
			t.Error("not done")
		}
	}
	child, cancel := context.WithTimeout(c, time.Hour)
	defer cancel()
	if child.Err() != err || context.Cause(child) != cause {
		t.Errorf("a child has error %v and cause %v, want %v and %v", child.Err(), context.Cause(child), err, cause)
	}
}
