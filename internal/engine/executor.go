package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/store"
)

// concluded is a job with the outcome of its attempt.
type concluded struct {
	held    *held
	outcome store.Outcome
	cause   *store.Cause // of a failure; nil: it is none
	err     error        // of an attempt that has failed its job for good, if it is known
}

// Run is one attempt, as its handler sees it.
type Run struct {
	Job    *store.Job
	engine *Engine               // nil when the job is performed without a row
	steps  atomic.Pointer[Steps] // nil until the handler asks for them

	// Guarded by the engine's mutex.
	logCut bool // its log has been cut in this performing
	logged int  // bytes since
}

// Stopping is closed when the process begins to stop; nil when the job is
// performed without a row.
func (r *Run) Stopping() <-chan struct{} {
	if r.engine == nil {
		return nil
	}
	return r.engine.stopBegan
}

// staff starts as many executors as a lane has slots and work for. It runs
// under the mutex.
func (e *Engine) staff(l *lane) {
	for range min(len(l.buffer), l.slots-l.running) {
		l.running++
		go e.execute(l)
	}
}

// execute performs jobs of a lane until there are none or the lane has too
// many executors. Should a handler end the goroutine, another takes its place.
func (e *Engine) execute(l *lane) {
	survived := false
	defer func() {
		if !survived {
			go e.execute(l)
		}
	}()
	self := goroutineID()
	for {
		h := e.take(l, self)
		if h == nil {
			survived = true
			return
		}
		e.perform(h, e.conclude)
	}
}

// take hands the lane's next job to an executor; nil sends it home.
func (e *Engine) take(l *lane, executor int64) *held {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(l.buffer) == 0 || l.running > l.slots || e.stopping || e.fenced || e.leaseAtRisk() {
		l.running--
		nudge(e.slotFreed)
		nudge(e.claimSoon)
		return nil
	}
	h := l.buffer[0]
	l.buffer[0] = nil
	l.buffer = l.buffer[1:]
	if l.drained != e.wakes && l.want() > 0 {
		nudge(e.claimSoon)
	}
	h.begin(e.base, executor, e.now)
	return h
}

// perform runs one attempt and passes its outcome to conclude, whatever the
// handler does: return, panic, or end its goroutine.
func (e *Engine) perform(h *held, conclude func(concluded)) {
	a, run := attempt{job: &h.job, err: errGoexit}, &h.run
	run.Job, run.engine = &h.job, e
	defer func() {
		took := time.Since(h.started)
		a.finished, a.cause, a.stopping = e.now(), h.ctx.why(), e.beganToStop()
		a.started = a.finished.Add(-took)
		if steps := run.steps.Load(); steps != nil {
			a.progressed = steps.end(&h.ctx, a.err != nil)
		}
		d := judge(a, h.handler.Rules, e.random())
		defer func() { // also if what is told of the end ends the goroutine
			h.ctx.end(nil)
			e.mu.Lock()
			h.state = done
			h.lane.measure(took)
			e.mu.Unlock()
			conclude(concluded{h, d.Outcome, d.cause, d.err})
		}()
		if d.err != nil && h.handler.Discarded != nil {
			e.tellDiscarded(h, d)
		}
	}()
	if h.late != nil {
		a.err = &Discarded{h.late}
		return
	}
	e.tellStarted(h)
	a.result, a.err = Protect(func() (json.RawMessage, error) {
		return h.handler.Perform(&h.ctx, run)
	})
}

// beganToStop reports whether stopping is true, without the mutex.
func (e *Engine) beganToStop() bool {
	select {
	case <-e.stopBegan:
		return true
	default:
		return false
	}
}

// conclude passes an outcome on. After the end of the engine nobody wants the
// outcomes of handlers that did not stop: their jobs were given back.
func (e *Engine) conclude(c concluded) {
	if e.verbs.Err() == nil {
		select {
		case e.outcomes <- c:
		case <-e.verbs.Done():
		}
	}
	nudge(e.slotFreed)
}

var errGoexit = errors.New("the handler ended its goroutine (runtime.Goexit)")

// Protect calls fn and makes an error of a panic in it.
func Protect[R any](fn func() (R, error)) (result R, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &Panicked{Value: value, Stack: string(debug.Stack())}
		}
	}()
	return fn()
}

// goroutineID is the number under which stack dumps show the caller's
// goroutine. It serves only to find the stack of a stuck handler.
func goroutineID() int64 {
	var head [40]byte
	line := head[:runtime.Stack(head[:], false)]
	number, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("goroutine ")), []byte(" "))
	id, _ := strconv.ParseInt(string(number), 10, 64)
	return id
}
