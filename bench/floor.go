package main

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"
)

func floorArgs(n int64) string { return `{"n":` + strconv.FormatInt(n, 10) + `}` }

func performFloor(text []byte, events events) error {
	var args laterArgs
	if err := json.Unmarshal(text, &args); err != nil {
		return err
	}
	events.performed(args.N)
	return nil
}

// hands are goroutines that take turns at jobs until stop.
type hands struct {
	halt context.CancelFunc
	all  sync.WaitGroup
	mu   sync.Mutex
	err  error // the first
}

// work begins: a turn says how many jobs it found.
func (h *hands) work(ctx context.Context, count int, turn func(context.Context) (int, error)) {
	ctx, h.halt = context.WithCancel(ctx)
	for range count {
		h.all.Go(func() {
			for ctx.Err() == nil {
				jobs, err := turn(context.WithoutCancel(ctx)) // to its end
				if err != nil {
					h.fail(err)
					return
				}
				if jobs == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
}

func (h *hands) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = err
	}
}

func (h *hands) stop(context.Context) error {
	h.halt()
	h.all.Wait()
	return h.err
}
