package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A measure is one thing to find out about a system.
type measure struct {
	name  string // as in -measure
	title string
	once  bool // too long for more than one round
	run   func(ctx context.Context, c *cell) error
}

// measures are all of them, in the order of the report.
var measures = []measure{
	{name: "enqueue-1", title: "enqueue one by one, 1 caller", run: enqueueOneByOne(1)},
	{name: "enqueue-50", title: "enqueue one by one, 50 callers", run: enqueueOneByOne(50)},
	{name: "bulk", title: "enqueue 1,000 a call, the fastest way", run: enqueueBulk(false)},
	{name: "bulk-ids", title: "enqueue 1,000 a call, ids returned", run: enqueueBulk(true)},
	{name: "drain", title: "drain, 1 process", run: drain(1)},
	{name: "drain-4", title: "drain, 4 processes", run: drain(4)},
	{name: "latency", title: "enqueue to start at 50 jobs/s", run: latency},
	{name: "steady", title: "steady 1,000 jobs/s", run: steady},
	{name: "idle", title: "idle", run: idle},
	{name: "queues", title: "drain from 50 of 2,000 queues", run: manyQueues},
	{name: "scheduled", title: "drain beside jobs for next year", once: true, run: besideScheduled},
	{name: "pinned", title: "pinned horizon", once: true, run: pinned},
}

// errSkip: the measure makes no sense for the system.
var errSkip = errors.New("not measured")

// options are the sizes that the flags set.
type options struct {
	Jobs     int           `json:"jobs"`
	Rounds   int           `json:"rounds"`
	OneByOne time.Duration `json:"one_by_one_ns"`
	Latency  time.Duration `json:"latency_ns"`
	Quiet    float64       `json:"quiet_cores"`
	Pinned   time.Duration `json:"pinned_ns"`
	PinRate  int           `json:"pin_rate"`

	Scheduled int `json:"scheduled"`
}

// cell is one turn of one system at one measure.
type cell struct {
	Measure string  `json:"measure"`
	System  string  `json:"system"`
	Round   int     `json:"round"`
	Values  []value `json:"values"`
	load

	Series any `json:"series,omitempty"` // how it went, minute by minute

	// Trouble is what went wrong after the figures were there, such as when the system was
	// stopped: one line.
	Trouble string `json:"trouble,omitempty"`

	system  system
	place   place
	servers servers
	options options
}

// value is one figure of a cell.
type value struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
	Better better  `json:"better"`
}

type better string

const (
	more better = "more"
	less better = "less"
)

func (c *cell) add(name string, amount float64, unit string, better better) {
	c.Values = append(c.Values, value{name, unit, amount, better})
}

func (c *cell) addMillis(name string, d time.Duration) {
	c.add(name, float64(d)/float64(time.Millisecond), "ms", less)
}

// ended notes what went wrong when the system was stopped. The figures stand: what was
// measured may have taken half an hour.
func (c *cell) ended(err error) {
	if err != nil && c.Trouble == "" {
		c.Trouble = firstLine(err)
	}
}

// measureCell prepares a place, measures and cleans up.
func measureCell(ctx context.Context, db *server, m measure, c *cell) (err error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Pinned+30*time.Minute)
	defer cancel()
	c.place, err = c.system.prepare(ctx, db)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", c.System, err)
	}
	defer func() {
		removed := c.place.remove(context.WithoutCancel(ctx))
		if err != nil {
			err = errors.Join(err, removed)
		} else {
			c.ended(removed)
		}
	}()
	if err := errors.Join(c.place.vacuum(ctx), c.place.checkpoint(ctx)); err != nil {
		return err
	}
	c.servers = servers{db.process(), c.place.process()}
	watch, err := watchLoad(c.servers...)
	if err != nil {
		return err
	}
	if err := m.run(ctx, c); err != nil {
		return fmt.Errorf("%s of %s: %w", m.name, c.System, err)
	}
	c.load, err = watch.stop()
	return err
}

// within opens a session for the cell and closes it afterwards.
func (c *cell) within(ctx context.Context, use func(s session) error) error {
	s, err := c.system.open(ctx, c.place.address())
	if err != nil {
		return err
	}
	defer s.close()
	return use(s)
}
