package engine

import (
	"testing"
	"time"
)

func TestLaneWants(t *testing.T) {
	for _, test := range []struct {
		name    string
		slots   int
		running int
		waiting int
		average time.Duration
		want    int
	}{
		{"nothing measured: free slots only", 5, 2, 0, 0, 3},
		{"nothing measured, all busy", 5, 5, 0, 0, 0},
		{"slow jobs: no prefetch", 5, 4, 0, time.Minute, 1},
		{"quick jobs: 200 ms of them", 5, 5, 0, 10 * time.Millisecond, 100},
		{"half used up: fill up", 5, 5, 50, 10 * time.Millisecond, 50},
		{"more than half left: wait", 5, 5, 51, 10 * time.Millisecond, 0},
		{"bounded", 5, 5, 0, time.Microsecond, maxPrefetch},
		{"fewer slots than running", 2, 5, 0, time.Minute, 0},
	} {
		l := &lane{slots: test.slots, running: test.running, buffer: make([]*held, test.waiting), average: test.average.Seconds()}
		if got := l.want(); got != test.want {
			t.Errorf("%s: wants %d, want %d", test.name, got, test.want)
		}
	}
}

func TestLaneMeasures(t *testing.T) {
	l := &lane{slots: 1}
	l.measure(time.Second)
	if l.average != 1 {
		t.Errorf("the first measurement counts in full: %v", l.average)
	}
	for range 100 {
		l.measure(time.Millisecond)
	}
	if l.average > 0.002 {
		t.Errorf("after 100 quick jobs the average is still %v", l.average)
	}
}
