package latertest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

// failing is a test that is meant to fail: it keeps what it was told.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper() {}
func (f *failing) Fatal(args ...any) {
	f.text = fmt.Sprint(args...)
	runtime.Goexit()
}
func (f *failing) Fatalf(format string, args ...any) { f.Fatal(fmt.Sprintf(format, args...)) }

// complaintOf is what assertion says when it fails; empty if it does not.
func complaintOf(t *testing.T, assertion func(t testing.TB)) string {
	t.Helper()
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		assertion(f)
	}()
	<-done
	return f.text
}

// threeJobs enqueues two welcomes and a count; one of the welcomes fails.
func threeJobs(t *testing.T) *later.JobQueue {
	queue := latertest.New(t, later.Config{}, WelcomeEmail.Do(func(_ context.Context, args WelcomeArgs) error {
		return later.Discard(errors.New("no such address"))
	}))
	signUp(t, queue, "ada@example.com")
	latertest.Drain(t, queue)
	signUp(t, queue, "grace@example.com")
	if _, err := Count.PerformIn(t.Context(), queue, time.Hour, struct{}{}); err != nil {
		t.Fatal(err)
	}
	return queue
}

func TestAssertionsHold(t *testing.T) {
	queue := threeJobs(t)
	ada := latertest.Args(WelcomeArgs{Email: "ada@example.com"})
	failed := latertest.Where(func(job latertest.Job[WelcomeArgs]) bool { return job.Status == later.StatusFailed })
	for name, assertion := range map[string]func(testing.TB){
		"any":           func(t testing.TB) { latertest.Enqueued(t, queue, WelcomeEmail) },
		"two":           func(t testing.TB) { latertest.Enqueued(t, queue, WelcomeEmail, latertest.Times(2)) },
		"hers":          func(t testing.TB) { latertest.Enqueued(t, queue, WelcomeEmail, ada, latertest.Times(1)) },
		"hers, failed":  func(t testing.TB) { latertest.Performed(t, queue, WelcomeEmail, ada, failed, latertest.Times(1)) },
		"one performed": func(t testing.TB) { latertest.Performed(t, queue, WelcomeEmail, latertest.Times(1)) },
		"none of his": func(t testing.TB) {
			latertest.NotEnqueued(t, queue, WelcomeEmail, latertest.Args(WelcomeArgs{"bob@example.com"}))
		},
		"no count yet":  func(t testing.TB) { latertest.NotPerformed(t, queue, Count) },
		"a result type": func(t testing.TB) { latertest.Enqueued(t, queue, Count, latertest.Args(struct{}{})) },
	} {
		if text := complaintOf(t, assertion); text != "" {
			t.Errorf("%s: %s", name, text)
		}
	}
	if jobs := latertest.Enqueued(t, queue, WelcomeEmail, ada); len(jobs) != 1 || jobs[0].Error != "no such address" {
		t.Errorf("hers: %+v", jobs)
	}
}

func TestAssertionsComplain(t *testing.T) {
	queue := threeJobs(t)
	for name, c := range map[string]struct {
		assertion func(testing.TB)
		want      []string
	}{
		"other arguments": {
			func(t testing.TB) {
				latertest.Enqueued(t, queue, WelcomeEmail, latertest.Args(WelcomeArgs{"bob@example.com"}))
			},
			[]string{`0 × WelcomeEmailJob enqueued with the arguments {"email":"bob@example.com"}; want at least 1`,
				`  job 1 WelcomeEmailJob({"email":"ada@example.com"}) failed in default, attempt 1: no such address`,
				`  job 2 WelcomeEmailJob({"email":"grace@example.com"}) pending in default`,
				`  job 3 CountJob({}) scheduled in default, due in `},
		},
		"too many": {
			func(t testing.TB) { latertest.Enqueued(t, queue, WelcomeEmail, latertest.Times(1)) },
			[]string{"2 × WelcomeEmailJob enqueued; want 1", "* job 1 ", "* job 2 ", "  job 3 "},
		},
		"some of none": {
			func(t testing.TB) { latertest.NotEnqueued(t, queue, Count) },
			[]string{"1 × CountJob enqueued; want 0"},
		},
		"not yet performed": {
			func(t testing.TB) { latertest.Performed(t, queue, Count) },
			[]string{"0 × CountJob performed; want at least 1"},
		},
		"a condition names its place": {
			func(t testing.TB) {
				latertest.Enqueued(t, queue, WelcomeEmail, latertest.Where(func(latertest.Job[WelcomeArgs]) bool { return false }))
			},
			[]string{"that latertest.Where selects at assert_test.go:"},
		},
		"arguments of another type": {
			func(t testing.TB) { latertest.Enqueued(t, queue, WelcomeEmail, latertest.Args(struct{}{})) },
			[]string{"latertest.Args is about arguments of the type struct {}, the definition has latertest_test.WelcomeArgs"},
		},
		"a condition on another type": {
			func(t testing.TB) {
				latertest.NotEnqueued(t, queue, WelcomeEmail, latertest.Where(func(latertest.Job[int]) bool { return false }))
			},
			[]string{"latertest.Where is about arguments of the type int"},
		},
	} {
		text := complaintOf(t, c.assertion)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in:\n%s", name, want, text)
			}
		}
	}
	empty := latertest.New(t, later.Config{})
	text := complaintOf(t, func(t testing.TB) { latertest.Enqueued(t, empty, Count) })
	if !strings.Contains(text, "no job of any type was enqueued") {
		t.Errorf("nothing enqueued: %s", text)
	}
}

func TestComplaintsStayShort(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	for range 30 {
		signUp(t, queue, "ada@example.com")
	}
	text := complaintOf(t, func(t testing.TB) { latertest.NotEnqueued(t, queue, WelcomeEmail) })
	if lines := strings.Count(text, "\n"); lines > 25 || !strings.Contains(text, "… and 10 more") {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}
