package engine

import (
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

func TestObservedDeath(t *testing.T) {
	const beat, timeToDie = 3 * time.Second, 15 * time.Second
	type look struct {
		at   time.Duration // since the start
		beat int64
		dead bool
	}
	every := func(step, until time.Duration, fn func(time.Duration) look) (looks []look) {
		for at := time.Duration(0); at <= until; at += step {
			looks = append(looks, fn(at))
		}
		return looks
	}
	for _, test := range []struct {
		name  string
		looks []look
	}{
		{"a beat that stays the same for the whole time", every(time.Second, 16*time.Second, func(at time.Duration) look {
			return look{at, 7, at >= timeToDie}
		})},
		{"a beat that rises", every(time.Second, time.Minute, func(at time.Duration) look {
			return look{at, int64(at / beat), false}
		})},
		{"a gap in observation starts over", []look{{0, 7, false}, {5 * time.Second, 7, false}, {20 * time.Second, 7, false},
			{25 * time.Second, 7, false}, {30 * time.Second, 7, false}, {35 * time.Second, 7, true}}},
		{"a beat in the last moment", []look{{0, 7, false}, {5 * time.Second, 7, false}, {10 * time.Second, 7, false},
			{14 * time.Second, 8, false}, {19 * time.Second, 8, false}, {24 * time.Second, 8, false}, {29 * time.Second, 8, true}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := New(nil, Config{Heartbeat: beat, TimeToDie: timeToDie}, nil, nil).newWatch()
			for _, look := range test.looks {
				silent := w.observe([]store.Process{{ID: 1, Beat: look.beat}}, start.Add(look.at))
				if dead := len(silent) == 1; dead != look.dead {
					t.Errorf("after %v with beat %d: dead is %v, want %v", look.at, look.beat, dead, look.dead)
				}
			}
		})
	}
}
