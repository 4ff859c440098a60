package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

// asynqSystem is Asynq on Redis. It deletes jobs that are done.
type asynqSystem struct{}

func asynqOnRedis() system { return asynqSystem{} }

const (
	asynqWorkers = 50 // more gain nothing: one goroutine fetches a task at a time
	asynqCallers = 50 // store what others store in one call
)

func (asynqSystem) name() string    { return "asynq" }
func (asynqSystem) version() string { return "Asynq " + moduleVersion("github.com/hibiken/asynq") }
func (asynqSystem) settings() string {
	return "Concurrency 50, TaskCheckInterval 10ms, many at once by 50 callers for it has no call for many; " + redisSettings + "; no history"
}

func (asynqSystem) prepare(ctx context.Context, _ *server) (place, error) { return startRedis(ctx) }

func (asynqSystem) open(_ context.Context, address string) (session, error) {
	at := asynq.RedisClientOpt{Addr: address, PoolSize: asynqCallers}
	return &asynqSession{at: at, client: asynq.NewClient(at), inspector: asynq.NewInspector(at)}, nil
}

type asynqSession struct {
	at        asynq.RedisClientOpt
	client    *asynq.Client
	inspector *asynq.Inspector
	server    *asynq.Server
}

func (s *asynqSession) enqueue(ctx context.Context, n int64) error {
	payload, err := json.Marshal(laterArgs{n})
	if err != nil {
		return err
	}
	_, err = s.client.EnqueueContext(ctx, asynq.NewTask("noop", payload))
	return err
}

func (s *asynqSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	var callers sync.WaitGroup
	failed := make([]error, asynqCallers)
	for caller := range asynqCallers {
		callers.Go(func() {
			for i := caller; i < len(ns) && failed[caller] == nil; i += asynqCallers {
				failed[caller] = s.enqueue(ctx, ns[i])
			}
		})
	}
	callers.Wait()
	return errors.Join(failed...)
}

func (s *asynqSession) start(_ context.Context, events events) error {
	s.server = asynq.NewServer(s.at, asynq.Config{
		Concurrency: asynqWorkers, TaskCheckInterval: 10 * time.Millisecond, LogLevel: asynq.WarnLevel,
	})
	return s.server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		var args laterArgs
		if err := json.Unmarshal(task.Payload(), &args); err != nil {
			return err
		}
		events.performed(args.N)
		return nil
	}))
}

func (s *asynqSession) stop(context.Context) error {
	s.server.Shutdown()
	return nil
}

func (s *asynqSession) unfinished(context.Context) (bool, error) {
	info, err := s.inspector.GetQueueInfo("default")
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return info.Pending+info.Active+info.Scheduled+info.Retry > 0, nil
}

func (s *asynqSession) close() {
	_ = s.client.Close()
	_ = s.inspector.Close()
}
