//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/chaos/history"
)

// pauseQueue pauses a queue for a while, as a person does.
func pauseQueue(ctx context.Context, n *nemesis, e event) error {
	queue := queueNames[e.dice%uint64(len(queueNames))]
	free, ok := n.seize("queue " + queue)
	if !ok {
		return nil
	}
	defer free()
	began := monotonic()
	if n.control(ctx, "pause", queue) == nil {
		_ = pause(ctx, e.length)
		n.note(e, began, "the queue "+queue)
	}
	return n.resume(ctx, queue) // also if nobody knows whether it is paused
}

// resume tries until the store can be reached.
func (n *nemesis) resume(ctx context.Context, queue string) error {
	for deadline := time.Now().Add(drainTime); ; {
		err := n.control(ctx, "resume", queue)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// control pauses or resumes a queue, and writes it down.
func (n *nemesis) control(ctx context.Context, verb, queue string) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	op := fmt.Sprintf("%s %s %d", verb, queue, monotonic())
	n.fleet.write(history.Event{Kind: history.Invoke, Op: op, Verb: verb, Text: queue})
	var err error
	if verb == "pause" {
		err = n.queue.Pause(ctx, queue, "chaos")
	} else {
		err = n.queue.Resume(ctx, queue)
	}
	end := history.Event{Kind: history.OK, Op: op}
	if err != nil {
		end = history.Event{Kind: history.Unknown, Op: op, Text: err.Error()}
	}
	n.fleet.write(end)
	return err
}
