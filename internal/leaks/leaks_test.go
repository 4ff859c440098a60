package leaks

import (
	"testing"

	"go.uber.org/goleak"
)

type tests func() int

func (t tests) Run() int { return t() }

func TestChecked(t *testing.T) {
	defer goleak.VerifyNone(t)
	end := make(chan struct{})
	defer close(end)
	for _, test := range []struct {
		name string
		run  tests
		code int
	}{
		{"passes", func() int { return 0 }, 0},
		{"fails", func() int { return 3 }, 3},
		{"leaves a goroutine", func() int { go func() { <-end }(); return 0 }, 1},
	} {
		if code := (Checked{test.run}).Run(); code != test.code {
			t.Errorf("%s: %d", test.name, code)
		}
	}
}
