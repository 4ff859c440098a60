package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A worker process is this program with the flag -work. It says "ready" when it
// is connected, begins on the first line that it reads, says how many jobs it has
// performed as the number changes, and stops when its input ends; its last line
// is "peak" with the most memory that it has had resident, in bytes. A system in
// another language can have a worker that speaks likewise.

// work is the life of a worker process.
func work(ctx context.Context, s system, address string, in io.Reader, out io.Writer) error {
	session, err := s.open(ctx, address)
	if err != nil {
		return err
	}
	defer session.close()
	fmt.Fprintln(out, "ready")
	orders := bufio.NewReader(in)
	if _, err := orders.ReadString('\n'); err != nil {
		return err
	}
	var performed atomic.Int64
	if err := session.start(ctx, events{performed: func(int64) { performed.Add(1) }}); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, orders)
		close(ended)
	}()
	tell(out, &performed, ended)
	if err := session.stop(ctx); err != nil {
		return err
	}
	peak, err := peakMemory()
	fmt.Fprintln(out, "peak", peak)
	return err
}

// tell writes how many jobs have been performed, soon after each while they are many. A
// process that performs none is left in peace: what it costs is measured.
func tell(out io.Writer, performed *atomic.Int64, ended <-chan struct{}) {
	const often, seldom = 2 * time.Millisecond, 250 * time.Millisecond
	told, wait := int64(0), often
	for {
		select {
		case <-ended:
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, seldom)
		if now := performed.Load(); now != told {
			fmt.Fprintln(out, now)
			told, wait = now, often
		}
	}
}

// peakMemory is the most that this process has had resident, in bytes.
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0, errors.New("/proc/self/status has no VmHWM")
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return kilobytes << 10, err
}

// workers are the worker processes of a cell, seen from here.
type workers []*worker

type worker struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	count  atomic.Int64
	peak   int64 // once ended
	ready  chan struct{}
	ended  chan error
}

// startWorkers returns when all are connected.
func startWorkers(ctx context.Context, c *cell, count int) (workers, error) {
	var all workers
	for range count {
		w, err := startWorker(ctx, c)
		if err != nil {
			_, stopErr := all.stop()
			return nil, errors.Join(err, stopErr)
		}
		all = append(all, w)
	}
	return all, nil
}

func workerCommand(ctx context.Context, c *cell) (*exec.Cmd, error) {
	if apart, ok := c.system.(worksApart); ok {
		return apart.workerCommand(ctx, c.place.address()), nil
	}
	program, err := os.Executable()
	return exec.CommandContext(ctx, program, "-work", c.System, "-url", c.place.address()), err
}

func startWorker(ctx context.Context, c *cell) (*worker, error) {
	cmd, err := workerCommand(ctx, c)
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: cmd, ready: make(chan struct{}), ended: make(chan error, 1)}
	w.cmd.Stderr = os.Stderr
	if w.orders, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	lines, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go w.listen(lines)
	select {
	case <-w.ready:
		return w, nil
	case err := <-w.ended:
		return nil, fmt.Errorf("a worker ended before it was ready: %w", err)
	}
}

func (w *worker) listen(from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		word, number, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "ready":
			close(w.ready)
		case "peak":
			w.peak, _ = strconv.ParseInt(number, 10, 64)
		default:
			if performed, err := strconv.ParseInt(word, 10, 64); err == nil {
				w.count.Store(performed)
			}
		}
	}
	err := w.cmd.Wait()
	if err == nil && w.peak == 0 {
		err = errors.New("a worker ended without its last line")
	}
	w.ended <- err
	close(w.ended)
}

func (all workers) start() error {
	for _, w := range all {
		if _, err := fmt.Fprintln(w.orders, "go"); err != nil {
			return err
		}
	}
	return nil
}

func (all workers) performed() (jobs int64) {
	for _, w := range all {
		jobs += w.count.Load()
	}
	return jobs
}

// broken tells of the first worker that ended by itself, in a channel that is nil
// while none has.
func (all workers) broken() <-chan error {
	for _, w := range all {
		if len(w.ended) > 0 {
			return w.ended
		}
	}
	return nil
}

// stop returns the most memory that one of them has had.
func (all workers) stop() (peak int64, err error) {
	for _, w := range all {
		err = errors.Join(err, w.orders.Close())
	}
	for _, w := range all {
		err = errors.Join(err, <-w.ended)
		peak = max(peak, w.peak)
	}
	return peak, err
}
