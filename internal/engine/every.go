package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// every calls fn until ctx ends: after each interval, spread by ±10 % so that
// processes do not march in step, and at once when nudge delivers. fn returns
// how long to wait instead of the interval; 0 means the interval.
func every(ctx context.Context, interval func() time.Duration, nudge <-chan struct{}, fn func(context.Context) time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-nudge:
		}
		wait := fn(ctx)
		if wait <= 0 {
			wait = vary(interval())
		}
		timer.Reset(wait)
	}
}

func vary(d time.Duration) time.Duration {
	d = min(d, math.MaxInt64/2) // what is longer must not wrap around
	return d + time.Duration((rand.Float64()*2-1)*jitter*float64(d))
}

// constant is an interval that never changes.
func constant(d time.Duration) func() time.Duration {
	return func() time.Duration { return d }
}

// nudge wakes whoever waits on signal; nudges that meet are one.
func nudge(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
