package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// redis is a Redis server of one cell's. It is not durable at every commit, as the
// databases are: it writes its log once a second.
type redis struct {
	dir, host string
	run       *exec.Cmd
	ended     chan error
}

// redisSettings are the most durable that do not wait for the disk at every command.
const redisSettings = "Redis with appendfsync everysec: up to a second can be lost"

func startRedis(ctx context.Context) (place, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("no Redis server is installed: install the package redis-server")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-redis-")
	if err != nil {
		return nil, err
	}
	r := &redis{dir: dir, host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ended: make(chan error, 1)}
	r.run = exec.Command(program, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir,
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
	var messages bytes.Buffer
	r.run.Stdout, r.run.Stderr = &messages, &messages
	if err := r.run.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() { r.ended <- r.run.Wait() }()
	if err := r.await(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, messages.Bytes()), r.remove(ctx))
	}
	return r, nil
}

func (r *redis) await(ctx context.Context) error {
	for range 500 {
		conn, err := net.Dial("tcp", r.host)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-r.ended:
			r.ended <- err
			return errors.Join(errors.New("the Redis server ended"), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("the Redis server does not answer")
}

func (r *redis) address() string                { return r.host }
func (*redis) vacuum(context.Context) error     { return nil }
func (*redis) checkpoint(context.Context) error { return nil }

func (*redis) logged(context.Context) (int64, error) { return 0, nil }

func (*redis) pin(context.Context) (func() error, error) {
	return nil, fmt.Errorf("redis has no vacuum horizon: %w", errSkip)
}

func (*redis) size(context.Context) (int64, error) { return 0, nil } // its log has not been rewritten yet
func (r *redis) process() int                      { return r.run.Process.Pid }

func (r *redis) remove(context.Context) error {
	_ = r.run.Process.Kill()
	<-r.ended
	return os.RemoveAll(r.dir)
}
