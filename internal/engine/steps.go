package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

// cursorPause is the least time between two saves of cursors.
const cursorPause = time.Second

// Steps is what one performing knows and learns of its job's steps. It is made when
// the handler first asks for it: most jobs have no steps. Without a row everything
// stays in memory.
type Steps struct {
	run *Run

	// How results are stored, encrypted for instance; nil: as they are.
	seal func(json.RawMessage) json.RawMessage
	open func(json.RawMessage) (json.RawMessage, error)

	saving sync.Mutex // one save at a time, so that no older cursor overwrites a newer one

	mu         sync.Mutex // guards all below
	loaded     bool
	saved      map[string]store.Step
	used       map[string]bool       // names of this performing
	moved      map[string]store.Step // cursors that are not saved yet
	begun      map[string]store.Step // cursors that were saved, as they were before
	progressed bool                  // a step was done
	flushed    time.Time
	timer      *time.Timer // of the next save of cursors
	ended      bool
}

// Steps returns the steps of this performing. What seal makes of a result is stored,
// open undoes that.
func (r *Run) Steps(seal func(json.RawMessage) json.RawMessage, open func(json.RawMessage) (json.RawMessage, error)) *Steps {
	if s := r.steps.Load(); s != nil {
		return s
	}
	r.steps.CompareAndSwap(nil, &Steps{
		run: r, seal: seal, open: open, saved: map[string]store.Step{}, used: map[string]bool{}, moved: map[string]store.Step{}, begun: map[string]store.Step{},
	})
	return r.steps.Load()
}

// Begin finds the saved step of a name, if there is one, which this performing may
// ask for once.
func (s *Steps) Begin(ctx context.Context, name string, kind store.StepKind) (step store.Step, found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[name] {
		return step, false, fmt.Errorf("%w: the job has two steps of the name %q; in a loop add the index, or use a cursor", ErrUnperformable, name)
	}
	if err := s.load(ctx); err != nil {
		return step, false, err
	}
	s.used[name] = true
	step, found = s.saved[name]
	if found && step.Kind != kind {
		return step, true, fmt.Errorf("%w: %q was saved as a %s before and is a %s now; give it another name", ErrUnperformable, name, step.Kind, kind)
	}
	return step, found, nil
}

func (s *Steps) load(ctx context.Context) error {
	if s.loaded || s.run.engine == nil {
		return nil
	}
	steps, err := s.read(ctx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		s.saved[step.Name] = step
	}
	s.loaded = true
	return nil
}

func (s *Steps) read(ctx context.Context) (steps []store.Step, err error) {
	e, id := s.run.engine, s.run.Job.ID
	err = s.persist(ctx, "read steps of a job", func() (err error) {
		steps, err = e.store.Steps(ctx, id)
		return err
	})
	for i := range steps {
		if s.open != nil && err == nil {
			steps[i].Result, err = s.open(steps[i].Result)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the steps of job %d: %w", id, err)
	}
	return steps, nil
}

// persist waits out a store that cannot be reached, while ctx lasts.
func (s *Steps) persist(ctx context.Context, what string, try func() error) error {
	e := s.run.engine
	trouble := trouble{dice: e.diceOf(s.run.Job)}
	for {
		err := try()
		if err == nil {
			trouble.over(e.log, what)
		}
		if err == nil || !transient(err) || ctx.Err() != nil || e.verbs.Err() != nil {
			return err
		}
		e.rest(ctx, trouble.met(e.log, what, err))
	}
}

// Now is the time that rules: see Now.
func (s *Steps) Now() time.Time {
	if s.run.engine == nil {
		return time.Now()
	}
	return s.run.engine.now()
}

// Save saves a step, and the cursors on the way. What is done is saved even if ctx
// has ended meanwhile.
func (s *Steps) Save(ctx context.Context, step store.Step) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	return s.save(ctx, append(s.takeMoved(), step))
}

// takeMoved runs under saving.
func (s *Steps) takeMoved() (steps []store.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range s.moved {
		steps = append(steps, step)
	}
	return steps
}

// save runs under saving.
func (s *Steps) save(ctx context.Context, steps []store.Step) error {
	for i := range steps {
		steps[i].JobID, steps[i].At, steps[i].Attempt = s.run.Job.ID, s.Now(), s.run.Job.Attempt
	}
	if e := s.run.engine; e != nil {
		sealed := slices.Clone(steps)
		for i := range sealed {
			if s.seal != nil {
				sealed[i].Result = s.seal(sealed[i].Result)
			}
		}
		err := s.persist(ctx, "save steps of a job", func() error {
			return e.store.SaveSteps(e.verbs, s.run.Job.ID, s.run.Job.Token, sealed, e.now())
		})
		if errors.Is(err, store.ErrConflict) {
			err = fmt.Errorf("%w: %w", ErrLeaseLost, err)
		}
		if err != nil {
			return fmt.Errorf("save the steps of job %d: %w", s.run.Job.ID, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = time.Now()
	for _, step := range steps {
		switch _, known := s.begun[step.Name]; {
		case step.Kind == store.StepDone:
			s.progressed = true
		case step.Kind == store.StepCursor && !known:
			s.begun[step.Name] = s.saved[step.Name]
		}
		s.saved[step.Name] = step
		if now, ok := s.moved[step.Name]; ok && bytes.Equal(now.Result, step.Result) {
			delete(s.moved, step.Name)
		}
	}
	return nil
}

// Move notes how far a cursor is. It is saved at once if the last save is a while
// ago, else within cursorPause. When the process stops it is saved, and the answer is
// ErrStopping.
func (s *Steps) Move(ctx context.Context, step store.Step) error {
	s.mu.Lock()
	if before, ok := s.saved[step.Name]; ok && bytes.Equal(before.Result, step.Result) {
		delete(s.moved, step.Name)
	} else {
		s.moved[step.Name] = step
	}
	pause := cursorPause - time.Since(s.flushed)
	if s.timer == nil && pause > 0 && len(s.moved) > 0 && s.run.engine != nil {
		s.timer = time.AfterFunc(pause, s.flushSoon)
	}
	later := s.timer != nil || pause > 0
	s.mu.Unlock()
	stopping := s.run.stopBegan()
	if later && !stopping {
		return nil
	}
	if err := s.flush(ctx); err != nil || !stopping {
		return err
	}
	return ErrStopping
}

// flush saves the cursors that have moved.
func (s *Steps) flush(ctx context.Context) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	steps := s.takeMoved()
	if len(steps) == 0 {
		return nil
	}
	return s.save(ctx, steps)
}

// flushSoon saves cursors of a handler that is busy. An error is not the last word:
// the next move, or the end of the handler, tries again.
func (s *Steps) flushSoon() {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if !ended {
		once, cancel := context.WithCancel(s.run.engine.verbs)
		cancel()
		_ = s.flush(once)
	}
	s.mu.Lock()
	s.timer = nil
	s.mu.Unlock()
}

// Committed finds a step that a transaction of the handler's has recorded; not, if
// that was not committed.
func (s *Steps) Committed(ctx context.Context, name string) (store.Step, bool, error) {
	steps, err := s.read(ctx)
	if err != nil {
		return store.Step{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range steps {
		if step.Name == name {
			s.saved[name], s.progressed = step, true
			return step, true, nil
		}
	}
	return store.Step{}, false, nil
}

// end saves what is left when the handler has failed, and reports whether the
// performing got ahead. A completed job needs its cursors no more.
func (s *Steps) end(ctx context.Context, failed bool) (progressed bool) {
	s.mu.Lock()
	s.ended = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if !failed {
		return false
	}
	if err := s.flush(ctx); err != nil && !errors.Is(err, ErrLeaseLost) {
		s.run.engine.log.Warn("the cursors of a job are not saved; it goes on from an earlier place",
			"job", s.run.Job.ID, "type", s.run.Job.Type, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, before := range s.begun { // one that has come back to its place got nowhere
		s.progressed = s.progressed || !bytes.Equal(s.saved[name].Result, before.Result)
	}
	return s.progressed
}

// stopBegan reports whether the process has begun to stop.
func (r *Run) stopBegan() bool { return r.engine != nil && r.engine.beganToStop() }

// StopBegan reports whether a step that is not done had better not be begun.
func (s *Steps) StopBegan() bool { return s.run.stopBegan() }
