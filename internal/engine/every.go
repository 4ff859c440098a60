package engine

import (
	"context"
	"time"
)

// every calls fn until ctx ends: after each interval, spread by ±10 % so that
// processes do not march in step, and at once when nudge delivers. fn returns
// how long to wait instead of the interval; 0 means the interval. A call serves
// all that asked for it before it began.
func every(ctx context.Context, interval func() time.Duration, nudge <-chan struct{}, d dice, fn func(context.Context) time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			select {
			case <-nudge:
			default:
			}
		case <-nudge:
		}
		if ctx.Err() != nil {
			return
		}
		wait := fn(ctx)
		if wait <= 0 {
			wait = d.vary(interval())
		}
		timer.Reset(wait)
	}
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
