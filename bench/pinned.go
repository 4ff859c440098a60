package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	pinnedEvery = 5 * time.Millisecond // a call
	pinnedWarm  = 20_000               // jobs performed first, so that statistics exist
)

// pinned looks at what a long transaction elsewhere does to a system: while one is
// open, the server cannot remove what the system deletes or overwrites. One
// goroutine enqueues so many jobs a second, and the same process performs them. It
// reports the first minute against the last.
func pinned(ctx context.Context, c *cell) error {
	return c.within(ctx, func(s session) error {
		p := newPinning(c.options)
		if err := s.start(ctx, events{performed: p.performed, claimed: p.claimed}); err != nil {
			return err
		}
		if err := p.warmUp(ctx, s, c.place); err != nil {
			return err
		}
		release, err := c.place.pin(ctx)
		if err != nil {
			return errors.Join(err, s.stop(ctx))
		}
		if err := p.run(ctx, s); err != nil {
			return err
		}
		p.report(c)
		c.ended(errors.Join(release(), s.stop(ctx)))
		return nil
	})
}

// pinning is one such run. The jobs have rising numbers, beyond those of the
// warming up.
type pinning struct {
	length, window time.Duration
	batch          int // jobs a call

	mu      sync.Mutex
	began   time.Time // zero: still warming up
	stamps  []time.Time
	windows []window
	done    int // jobs performed since it began

	warm atomic.Int64
}

// window is what happened in a minute.
type window struct {
	starts, claims, calls durations
	late                  time.Duration // at most, behind the timetable
}

func newPinning(o options) *pinning {
	span := min(time.Minute, o.Pinned/2)
	return &pinning{
		length: o.Pinned, window: span, windows: make([]window, o.Pinned/span),
		batch: max(1, o.PinRate*int(pinnedEvery)/int(time.Second)),
	}
}

func (p *pinning) warmUp(ctx context.Context, s session, at place) error {
	ns := make([]int64, perCall)
	for i := range ns {
		ns[i] = -1
	}
	for range pinnedWarm / perCall {
		if err := s.enqueueMany(ctx, ns, false); err != nil {
			return err
		}
	}
	for p.warm.Load() < pinnedWarm {
		select {
		case <-ctx.Done():
			return fmt.Errorf("warming up: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.Join(at.vacuum(ctx), at.checkpoint(ctx))
}

func (p *pinning) performed(n int64) {
	if n < 0 {
		p.warm.Add(1)
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if w := p.at(now); w != nil {
		w.starts = append(w.starts, now.Sub(p.stamps[n]))
	}
}

func (p *pinning) claimed(took time.Duration, _ int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.at(time.Now()); w != nil {
		w.claims = append(w.claims, took)
	}
}

// at returns the window that a time is in, nil if none. It runs under the mutex.
func (p *pinning) at(now time.Time) *window {
	if i := int(now.Sub(p.began) / p.window); !p.began.IsZero() && i < len(p.windows) {
		return &p.windows[i]
	}
	return nil
}

// run keeps to a timetable: after a slow call the next ones follow at once. How
// late it was is reported, for it is not in the time from enqueue to start.
func (p *pinning) run(ctx context.Context, s session) error {
	p.mu.Lock()
	p.began = time.Now()
	p.mu.Unlock()
	for due := p.began; due.Before(p.began.Add(p.length)); due = due.Add(pinnedEvery) {
		time.Sleep(time.Until(due))
		if time.Since(p.began) > p.length {
			return nil
		}
		ns, began := p.next()
		if err := s.enqueueMany(ctx, ns, false); err != nil {
			return err
		}
		p.called(began.Sub(due), time.Since(began))
	}
	return nil
}

func (p *pinning) called(late, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.at(time.Now()); w != nil {
		w.calls = append(w.calls, took)
		w.late = max(w.late, late)
	}
}

// next returns the numbers of the jobs of a call that begins now.
func (p *pinning) next() ([]int64, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ns := make([]int64, p.batch)
	now := time.Now()
	for i := range ns {
		ns[i] = int64(len(p.stamps))
		p.stamps = append(p.stamps, now)
	}
	return ns, now
}

// minute is a window in figures.
type minute struct {
	Rate      float64 `json:"performed_per_second"`
	StartMean float64 `json:"start_mean_ms"`
	StartP99  float64 `json:"start_p99_ms"`
	CallMean  float64 `json:"enqueue_call_mean_ms"`
	CallP99   float64 `json:"enqueue_call_p99_ms"`
	Late      float64 `json:"enqueuer_late_at_most_ms"`
	Claims    int     `json:"claims"`
	ClaimMean float64 `json:"claim_mean_ms"`
	ClaimP99  float64 `json:"claim_p99_ms"`
}

func (p *pinning) report(c *cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var minutes []minute
	for _, w := range p.windows {
		minutes = append(minutes, w.figures(p.window))
	}
	c.Series = minutes
	minutes[0].addTo(c, "first "+p.span())
	minutes[len(minutes)-1].addTo(c, "last "+p.span())
	c.add("jobs left over at the end", float64(len(p.stamps)-p.done), "jobs", less)
}

func (p *pinning) span() string {
	if p.window == time.Minute {
		return "minute"
	}
	return p.window.String()
}

func (w window) figures(length time.Duration) minute {
	millis := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return minute{
		Rate:      float64(len(w.starts)) / length.Seconds(),
		StartMean: millis(w.starts.mean()), StartP99: millis(w.starts.percentile(0.99)),
		CallMean: millis(w.calls.mean()), CallP99: millis(w.calls.percentile(0.99)), Late: millis(w.late),
		Claims:    len(w.claims),
		ClaimMean: millis(w.claims.mean()), ClaimP99: millis(w.claims.percentile(0.99)),
	}
}

func (m minute) addTo(c *cell, when string) {
	c.add("performed, "+when, m.Rate, "jobs/s", more)
	c.add("enqueuer late, at most, "+when, m.Late, "ms", less)
	c.add("enqueue to start, mean, "+when, m.StartMean, "ms", less)
	c.add("enqueue to start, p99, "+when, m.StartP99, "ms", less)
	c.add("claim, mean, "+when, m.ClaimMean, "ms", less)
	c.add("claim, p99, "+when, m.ClaimP99, "ms", less)
}
