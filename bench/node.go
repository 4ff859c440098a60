package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// nodeSystem is a job system of Node.js: node/peers.mjs speaks for it, in a process of
// its own. What is measured one call at a time is measured there, for the way between
// the processes would be measured otherwise.
type nodeSystem struct {
	label, library, best string
	makeRoom             func(ctx context.Context, db *server) (place, error)
}

func graphileWorker() system {
	return nodeSystem{"graphile-worker", "graphile-worker",
		"localQueue.size 500, completeJobBatchDelay 0, failJobBatchDelay 0, concurrentJobs 24; no history", nodeDatabase("bench_graphile")}
}

func pgBoss() system {
	return nodeSystem{"pg-boss", "pg-boss", "batchSize 5000, 10 workers, pollingIntervalSeconds 0.5", nodeDatabase("bench_boss")}
}

func bullMQ() system {
	return nodeSystem{"bullmq", "bullmq", "concurrency 100; " + redisSettings, func(ctx context.Context, _ *server) (place, error) { return startRedis(ctx) }}
}

func nodeDatabase(name string) func(context.Context, *server) (place, error) {
	return func(ctx context.Context, db *server) (place, error) {
		database, err := db.createDatabase(ctx, name)
		return database, err
	}
}

// nodeFolder is where peers.mjs and the libraries are.
func nodeFolder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "node")
}

func (n nodeSystem) name() string { return n.label }

func (n nodeSystem) version() string {
	var about struct{ Version string }
	text, err := os.ReadFile(filepath.Join(nodeFolder(), "node_modules", n.library, "package.json"))
	if err != nil || json.Unmarshal(text, &about) != nil {
		return n.library + ", not installed"
	}
	return n.library + " " + about.Version
}

func (n nodeSystem) settings() string { return n.best }

func (n nodeSystem) command(ctx context.Context, mode, address string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", filepath.Join(nodeFolder(), "peers.mjs"), mode, n.label, address)
	cmd.Stderr = os.Stderr
	return cmd
}

// workerCommand is the worker process: see worker.go.
func (n nodeSystem) workerCommand(ctx context.Context, address string) *exec.Cmd {
	return n.command(ctx, "work", address)
}

func (n nodeSystem) prepare(ctx context.Context, db *server) (place, error) {
	if _, err := os.Stat(filepath.Join(nodeFolder(), "node_modules", n.library)); err != nil {
		return nil, fmt.Errorf("%s is not installed: run `npm install` in bench/node", n.library)
	}
	room, err := n.makeRoom(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := n.makeTables(ctx, room.address()); err != nil {
		return nil, errors.Join(err, room.remove(context.WithoutCancel(ctx)))
	}
	return room, nil
}

func (n nodeSystem) makeTables(ctx context.Context, address string) error {
	s, err := n.open(ctx, address)
	if err != nil {
		return err
	}
	defer s.close()
	return s.(*nodeSession).do(ctx, order{Do: "prepare"}, nil)
}

func (n nodeSystem) open(ctx context.Context, address string) (session, error) {
	cmd := n.command(ctx, "serve", address)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &nodeSession{label: n.label, cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}, nil
}

// nodeSession gives one order at a time, a line of JSON, and reads one line for each.
type nodeSession struct {
	label string
	cmd   *exec.Cmd
	mu    sync.Mutex
	in    io.WriteCloser
	out   *bufio.Reader
}

type order struct {
	Do      string  `json:"do"`
	Jobs    []int64 `json:"jobs,omitempty"`
	Callers int     `json:"callers,omitempty"`
	Millis  int64   `json:"millis,omitempty"`
	Count   int     `json:"count,omitempty"`
}

func (s *nodeSession) do(ctx context.Context, o order, answer any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		return err
	}
	text, err := s.out.ReadBytes('\n')
	if err != nil {
		return errors.Join(fmt.Errorf("%s ended at %q: %w", s.label, o.Do, err), ctx.Err())
	}
	var reply struct {
		Error string
		Value json.RawMessage
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("%s said %.200q: %w", s.label, text, err)
	}
	if reply.Error != "" {
		return fmt.Errorf("%s: %s", s.label, reply.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(reply.Value, answer)
}

func (s *nodeSession) enqueue(ctx context.Context, n int64) error {
	return s.do(ctx, order{Do: "enqueue", Jobs: []int64{n}}, nil)
}

func (s *nodeSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	return s.do(ctx, order{Do: "enqueueMany", Jobs: ns}, nil)
}

// storeFor enqueues one by one in its own process: see measuresItself.
func (s *nodeSession) storeFor(ctx context.Context, callers int, span time.Duration) (stored int64, err error) {
	err = s.do(ctx, order{Do: "storeFor", Callers: callers, Millis: span.Milliseconds()}, &stored)
	return stored, err
}

// delays enqueues and performs in its own process: see measuresItself.
func (s *nodeSession) delays(ctx context.Context, jobs int, every time.Duration) ([]time.Duration, error) {
	var micros []float64
	err := s.do(ctx, order{Do: "delays", Count: jobs, Millis: every.Milliseconds()}, &micros)
	taken := make([]time.Duration, len(micros))
	for i, one := range micros {
		taken[i] = time.Duration(one * float64(time.Microsecond))
	}
	return taken, err
}

// start is for measures that look into the process, which this one does not allow.
func (s *nodeSession) start(context.Context, events) error { return errSkip }
func (s *nodeSession) stop(context.Context) error          { return nil }

func (s *nodeSession) unfinished(ctx context.Context) (some bool, err error) {
	err = s.do(ctx, order{Do: "unfinished"}, &some)
	return some, err
}

func (s *nodeSession) close() {
	_ = s.in.Close()
	ended := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	ended.Stop()
}
