package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// load is what disturbed a cell, in processor cores. Foreign is what programs
// other than bench and its server used; with a server that bench did not start it
// cannot be told apart and is left out.
type load struct {
	Steal   float64  `json:"steal_cores"`
	Foreign *float64 `json:"foreign_cores,omitempty"`
}

// loadWatch is the machine's clocks at the beginning of a cell.
type loadWatch struct {
	began   clocks
	servers servers
}

// servers are the process ids of the servers that are ours. That of the database comes
// first; 0 if it is somebody else's.
type servers []int

// clocks are in seconds since the beginning.
type clocks struct {
	at                time.Time
	busy, steal, ours float64
}

func watchLoad(servers ...int) (loadWatch, error) {
	began, err := readClocks(servers)
	return loadWatch{began, servers}, err
}

// stop must be called after the worker processes have ended: until then their
// time does not count as ours.
func (w loadWatch) stop() (load, error) {
	now, err := readClocks(w.servers)
	if err != nil {
		return load{}, err
	}
	wall := now.at.Sub(w.began.at).Seconds()
	l := load{Steal: (now.steal - w.began.steal) / wall}
	if w.servers[0] != 0 {
		foreign := max(0, (now.busy-w.began.busy-(now.ours-w.began.ours))/wall)
		l.Foreign = &foreign
	}
	return l, nil
}

// awaitQuiet waits until programs other than bench and its server have used less
// than limit cores for two seconds, but at most ten minutes. No limit: it does not
// wait.
func awaitQuiet(ctx context.Context, server int, limit float64) error {
	if limit == 0 || server == 0 {
		return nil
	}
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		watch, err := watchLoad(server)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
		seen, err := watch.stop()
		if err != nil || *seen.Foreign < limit {
			return err
		}
	}
	return nil
}

func readClocks(servers servers) (clocks, error) {
	c := clocks{at: time.Now()}
	if err := c.readMachine(); err != nil {
		return c, err
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			return c, err
		}
		c.ours += seconds(used.Utime) + seconds(used.Stime)
	}
	for _, server := range servers {
		if server != 0 {
			c.ours += serverTime(server)
		}
	}
	return c, nil
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// ticksPerSecond is the unit of /proc, which Linux has fixed for programs.
const ticksPerSecond = 100

// readMachine reads the line: cpu user nice system idle iowait irq softirq steal.
func (c *clocks) readMachine() error {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return err
	}
	fields := strings.Fields(strings.SplitN(string(stat), "\n", 2)[0])
	if len(fields) < 9 {
		return fmt.Errorf("/proc/stat begins with %q", fields)
	}
	ticks := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n / ticksPerSecond
	}
	c.busy = ticks(1) + ticks(2) + ticks(3) + ticks(6) + ticks(7)
	c.steal = ticks(8)
	return nil
}

// serverTime is the processor time of the server's first process, of the children
// that it has waited for, and of those that live.
func serverTime(server int) float64 {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	sum := 0.0
	for _, path := range paths {
		p, err := readProcess(path)
		switch {
		case err != nil: // it has ended meanwhile
		case p.id == server:
			sum += p.own + p.waitedFor
		case p.parent == server:
			sum += p.own
		}
	}
	return sum
}

type process struct {
	id, parent     int
	own, waitedFor float64 // seconds
}

// readProcess reads /proc/ID/stat. The second field, the name in parentheses, may
// hold spaces.
func readProcess(path string) (process, error) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return process{}, err
	}
	end := strings.LastIndexByte(string(stat), ')')
	fields := strings.Fields(string(stat)[end+1:]) // the first is the third of the file
	if len(fields) < 15 {
		return process{}, fmt.Errorf("%s is short", path)
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i-3])
		return n
	}
	id, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	return process{
		id: id, parent: number(4),
		own:       float64(number(14)+number(15)) / ticksPerSecond,
		waitedFor: float64(number(16)+number(17)) / ticksPerSecond,
	}, err
}

// describeMachine tells what the figures depend on.
func describeMachine() string {
	facts := []string{fmt.Sprintf("%d cores", cores())}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, found := strings.Cut(string(text), "model name\t: "); found {
			model, _, _ := strings.Cut(rest, "\n")
			facts = append(facts, model)
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		facts = append(facts, "Linux "+strings.TrimSpace(string(text)))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		facts = append(facts, "load average at the start "+strings.Fields(string(text))[0])
	}
	return strings.Join(facts, ", ")
}
