package later

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// MoveOptions say how Move goes about it.
type MoveOptions struct {
	// Drain waits for the processes of the source instead of refusing to move while
	// there are any. Its queues are paused at once, so that no process starts
	// another job; jobs that run may end; and the move begins when every process
	// has stopped, which is up to you: a process that lives can store and delete jobs
	// at any time. One that shows no sign of life for 15 s counts as dead, and its jobs
	// are taken back.
	Drain bool

	// To names the target in the reason with which the queues of the source stay
	// paused: "moved to …"; "another store" by default. People read it: no password.
	To string

	// Progress is called now and then, in the goroutine of Move.
	Progress func(MoveProgress)
}

// MoveStep is what a move is doing.
type MoveStep string

// The steps.
const (
	MoveWaiting   MoveStep = "waiting"   // for the processes of the source to stop
	MoveCopying   MoveStep = "copying"   // jobs
	MoveVerifying MoveStep = "verifying" // that both stores hold the same
)

// MoveProgress is how far a move is.
type MoveProgress struct {
	Step      MoveStep  `json:"step"`
	Done      int64     `json:"done"`  // jobs copied or verified
	Total     int64     `json:"total"` // jobs of the source; 0 while copying: so many that they are counted only as they are read
	Processes []Process `json:"processes,omitempty"`
}

// MoveReport says what was moved.
type MoveReport struct {
	Jobs      int64               `json:"jobs"`      // in the target now
	Resumed   int64               `json:"resumed"`   // of these, left there by a move that was interrupted
	Counts    map[JobStatus]int64 `json:"counts"`    // in the target, per status
	Queues    []string            `json:"queues"`    // of the source, paused for good
	Schedules int                 `json:"schedules"` // carried over; in the source they are paused for good
	Checksum  string              `json:"checksum"`  // SHA-256 of every job with its history, the same for both stores
}

// Move carries everything from one store to another: jobs in every status, with
// their ids, places in line, attempts, logs and times, the pauses of the queues, the
// published types, what is known of the causes of failures, and the schedules with how far they have come. A running job whose process is not known any more is
// pending in the target, at its old place.
//
// At the end it reads both stores again and compares every byte. The jobs stay in the
// source as well, but its queues stay paused with the reason "moved to …", so that
// nobody performs them twice. If the move fails, the queues of the source are as
// before, and those of the target stay paused; the same move may be repeated, and goes
// on where it stopped. Stop whatever enqueues into the source, too: nobody would
// perform what comes after the move.
//
// ErrConflict: processes work on one of the stores (see MoveOptions.Drain), the
// target holds jobs that the source does not, or both are the same store.
func Move(ctx context.Context, from, to store.Store, o MoveOptions) (MoveReport, error) {
	m := &move{from: from, to: to, options: o, queues: map[string]hold{}, holds: map[string]*hold{}, causes: map[store.CauseID]bool{}}
	if m.options.To == "" {
		m.options.To = "another store"
	}
	if err := m.run(ctx); err != nil {
		return MoveReport{}, fmt.Errorf("move: %w", errors.Join(err, m.undo(ctx)))
	}
	return m.report, nil
}

// move is one Move under way.
type move struct {
	from, to store.Store
	options  MoveOptions
	queues   map[string]hold // what the stores say of their queues, by name
	causes   map[store.CauseID]bool
	holds    map[string]*hold // those that stand still
	moved    bool             // there is no way back
	total    int64
	report   MoveReport
}

func (m *move) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		m.refuseProcesses, m.refuseItself, m.refuseOthersJobs,
		m.holdAll, m.drain, m.copy, m.publish, m.carryCauses, m.verify,
		m.carrySchedules, m.release, m.retireSchedules,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *move) tell(p MoveProgress) {
	if m.options.Progress != nil {
		m.options.Progress(p)
	}
}

// refuseProcesses: whoever works on a store changes it.
func (m *move) refuseProcesses(ctx context.Context) error {
	if err := nobodyWorks(ctx, m.to, "the target", "stop it"); err != nil || m.options.Drain {
		return err
	}
	return nobodyWorks(ctx, m.from, "the source", "stop it, or let the move wait for that (Drain, --drain)")
}

func nobodyWorks(ctx context.Context, s store.Store, name, remedy string) error {
	processes, err := s.Processes(ctx)
	if err != nil || len(processes) == 0 {
		return err
	}
	// Those that are proved dead go.
	if _, err := s.Recover(ctx, nil, engine.Now(s)); err != nil {
		return err
	}
	if processes, err = s.Processes(ctx); err != nil || len(processes) == 0 {
		return err
	}
	return fmt.Errorf("%w: somebody works on %s: %s; %s", ErrConflict, name, processNames(processes, engine.Now(s)), remedy)
}

// processNames names the first of the processes.
func processNames(processes []Process, now time.Time) string {
	const most = 3
	var names []string
	for _, p := range processes[:min(len(processes), most)] {
		names = append(names, fmt.Sprintf("process %d of host %s (last heartbeat %v ago)", p.PID, p.Host, now.Sub(p.BeatAt).Round(time.Second)))
	}
	if more := len(processes) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// movePage is how many jobs are read and written at a time.
const movePage = 500

// pages reads every job of a store.
func pages(ctx context.Context, s store.Store) iter.Seq2[[]store.Record, error] {
	return func(yield func([]store.Record, error) bool) {
		for after := int64(0); ; {
			page, err := s.Export(ctx, after, movePage)
			if err == nil && len(page) == 0 || !yield(page, err) || err != nil {
				return
			}
			after = page[len(page)-1].Job.ID
		}
	}
}

// copy stores every job of the source in the target. Jobs that are there already
// are left alone.
func (m *move) copy(ctx context.Context) error {
	if err := m.count(ctx); err != nil {
		return err
	}
	done := int64(0)
	for page, err := range pages(ctx, m.from) {
		if err != nil {
			return err
		}
		for _, record := range page {
			if err := m.hold(ctx, record.Job.Queue); err != nil {
				return err
			}
			if record.Job.Cause != 0 {
				m.causes[record.Job.Cause] = true
			}
		}
		if err := m.to.Import(ctx, page); err != nil {
			return err
		}
		done += int64(len(page))
		m.tell(MoveProgress{Step: MoveCopying, Done: done, Total: m.totalAfter(done)})
	}
	m.total = done
	return nil
}

// count counts the jobs of the source, if they are so few that a store does so.
func (m *move) count(ctx context.Context) error {
	stats, err := m.from.Stats(ctx)
	if err != nil || len(stats.More) > 0 {
		return err
	}
	for _, jobs := range stats.Counts {
		m.total += jobs
	}
	return nil
}

// totalAfter is the total, as far as it is known after so many jobs.
func (m *move) totalAfter(done int64) int64 {
	if m.total == 0 {
		return 0
	}
	return max(done, m.total)
}

// drainPoll is how often a move looks whether the processes have stopped.
const drainPoll = time.Second

// drain waits until no process works on the source, and takes back the jobs of
// those that die meanwhile.
func (m *move) drain(ctx context.Context) error {
	beats := engine.Beats{TimeToDie: defaultTimeToDie, Gap: defaultTimeToDie / 3}
	poll := time.NewTicker(drainPoll)
	defer poll.Stop()
	for {
		processes, err := m.from.Processes(ctx)
		if err != nil || len(processes) == 0 {
			return err
		}
		m.tell(MoveProgress{Step: MoveWaiting, Processes: processes})
		if _, err := m.from.Recover(ctx, beats.Silent(processes, time.Now()), engine.Now(m.from)); err != nil {
			return err
		}
		if err := m.holdAll(ctx); err != nil { // queues may have appeared
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// verify insists that both stores hold the same, and that the target counts it
// right.
func (m *move) verify(ctx context.Context) error {
	c := newComparison(ctx, m.from, m.to)
	defer c.end()
	c.seen = func(done int64) {
		if done%movePage == 0 {
			m.tell(MoveProgress{Step: MoveVerifying, Done: done, Total: max(done, m.total)})
		}
	}
	if err := c.wholly(); err != nil {
		return err
	}
	stats, err := m.to.Stats(ctx)
	if err != nil {
		return err
	}
	m.report.Counts, m.report.Checksum = map[JobStatus]int64{}, c.to.checksum()
	for _, status := range store.Statuses {
		counted, has := stats.Counts[status], c.to.counts[status]
		if counted > has || counted < has && !stats.More[status] {
			return fmt.Errorf("the target counts %d jobs that are %s, and has %d", counted, status, has)
		}
		m.report.Counts[status] = has
		m.report.Jobs += has
	}
	m.report.Queues = slices.Sorted(maps.Keys(m.holds))
	return nil
}

// refuseOthersJobs: the target may hold jobs of the source, as an interrupted move
// leaves them, and nothing else.
func (m *move) refuseOthersJobs(ctx context.Context) error {
	c := newComparison(ctx, m.from, m.to)
	defer c.end()
	if err := c.asFarAsTarget(); err != nil {
		return fmt.Errorf("%w: %w; move into an empty store", ErrConflict, err)
	}
	m.report.Resumed = c.to.jobs()
	return nil
}
