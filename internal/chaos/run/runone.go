//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/check"
	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/store"
)

// options are those of the command line.
type options struct {
	Store              string
	For, Every         time.Duration
	Seed               uint64
	Rate               float64
	Producers, Workers int
	Times              times
	Busy               time.Duration // how much longer a recovery may take than on a machine of its own
	Only               []string      // faults
	Keep               bool
}

// runOne does one run on one store: start, break, heal, drain, check.
func runOne(o options) (*report, error) {
	folder, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return nil, err
	}
	fmt.Printf("%s: seed %d, %v of faults, files in %s\n", o.Store, o.Seed, o.For, folder)
	db, err := openDatabase(o.Store, folder, o.For)
	if err != nil {
		return nil, err
	}
	defer func() {
		db.close()
		if !o.Keep {
			os.RemoveAll(folder)
		}
	}()
	log, err := history.Create(filepath.Join(folder, "supervisor.history"))
	if err != nil {
		return nil, err
	}
	f := &fleet{
		orders: orders{Store: o.Store, Folder: folder, Seed: o.Seed, Times: o.Times}, log: log,
		address: db.address, namespaces: canNameHosts(),
	}
	defer f.takeDown()
	n := &nemesis{
		fleet: f, db: db, queue: later.New(db.store(), later.Config{}), long: o.For >= 10*time.Minute,
		hit: map[string]bool{}, counts: map[string]int{},
	}
	ctx, offset := context.Background(), wallOffset()
	if err := f.start(o.Producers, o.Workers, o.Rate, db.proxy); err != nil {
		return nil, err
	}
	began := time.Now()
	n.run(ctx, schedule(o.Seed, chosen(n, o), o.Every, o.For, o.Times))
	_ = pause(ctx, o.For-time.Since(began))
	drained, err := n.settle(ctx)
	if err != nil {
		return nil, err
	}
	h, err := collect(ctx, f, db, offset)
	if err != nil {
		return nil, err
	}
	if o.Keep {
		if err := dump(filepath.Join(folder, "moves.json"), h.Moves); err != nil {
			return nil, err
		}
	}
	h.Params.Busy = o.Busy
	results, figures := check.Everything(h)
	return newReport(o, n, h, results, figures, time.Since(began), drained), nil
}

// chosen are the faults of a run.
func chosen(n *nemesis, o options) []fault {
	all := append(slices.Clone(processFaults), n.db.faults(n)...)
	if n.long {
		all = append(all, longFaults...)
	}
	if len(o.Only) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(f fault) bool { return !slices.Contains(o.Only, f.name) })
}

// drainTime is how long after the last fault the last job may end.
const drainTime = 2 * time.Minute

// settle heals everything, stops the producers, waits until every job has ended, and
// stops the workers. It returns how long the jobs took.
func (n *nemesis) settle(ctx context.Context) (time.Duration, error) {
	if err := n.db.heal(); err != nil {
		return 0, err
	}
	n.fleet.closeAll("producer", time.Minute)
	began, paused := time.Now(), false
	for time.Since(began) < drainTime {
		paused = paused || n.queue.PauseSchedule(ctx, scheduled, "the end") == nil
		left, err := n.left(ctx)
		if err == nil && left == 0 && paused {
			break
		}
		if err := n.hasten(ctx); err != nil {
			fmt.Printf("  hasten: %v\n", err)
		}
		_ = pause(ctx, 300*time.Millisecond)
	}
	took := time.Since(began)
	n.fleet.closeAll("worker", time.Minute)
	n.fleet.ledger.close(time.Minute)
	return took, nil
}

func (n *nemesis) left(ctx context.Context) (left int64, err error) {
	stats, err := n.queue.Stats(ctx)
	for status, jobs := range stats.Counts {
		if !status.Finished() {
			left += jobs
		}
	}
	return left, err
}

// hasten makes jobs due that wrong clocks have sent into a far future.
func (n *nemesis) hasten(ctx context.Context) error {
	waiting, err := n.queue.List(ctx, later.Filter{Status: []later.JobStatus{store.Scheduled, store.Retrying}, Limit: 1000})
	if err != nil {
		return err
	}
	for _, job := range waiting {
		if time.Until(job.NextRunAt) < time.Minute {
			continue
		}
		op := fmt.Sprintf("hasten %d %d", job.ID, monotonic())
		n.fleet.write(history.Event{Kind: history.Invoke, Op: op, Verb: "hasten", Jobs: []int64{job.ID}})
		err := n.queue.RunNow(ctx, job.ID)
		end := history.Event{Kind: history.OK, Op: op, Jobs: []int64{job.ID}}
		if err != nil {
			end = history.Event{Kind: history.Unknown, Op: op, Text: err.Error()}
		}
		n.fleet.write(end)
	}
	return nil
}

// dump writes the store's own log down, one move a line: the store does not outlive
// the run.
func dump(path string, moves []check.Move) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewWriter(file)
	encoder := json.NewEncoder(lines)
	for _, m := range moves {
		if err := encoder.Encode(m); err != nil {
			return err
		}
	}
	return lines.Flush()
}
