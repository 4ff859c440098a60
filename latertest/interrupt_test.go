package latertest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

// ending is a test that ends when it is told to.
type ending struct {
	testing.TB
	cleanups   []func()
	complaints []string
}

func (e *ending) Cleanup(fn func()) { e.cleanups = append(e.cleanups, fn) }

func (e *ending) Errorf(format string, args ...any) {
	e.complaints = append(e.complaints, fmt.Sprintf(format, args...))
}

// TestInterruptAtUnreachedStep: a name that no job has is a mistake of the test.
func TestInterruptAtUnreachedStep(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	e := &ending{TB: t}
	latertest.InterruptAt(e, queue, "mial")
	for _, cleanup := range e.cleanups {
		cleanup()
	}
	if len(e.complaints) != 1 || !strings.Contains(e.complaints[0], `"mial"`) {
		t.Errorf("%q", e.complaints)
	}
}
