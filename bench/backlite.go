//go:build cgo

package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/mikestefanello/backlite"
)

// backliteSystem is backlite. It deletes jobs that are done, unless told otherwise.
type backliteSystem struct{}

func backliteOnSQLite() system { return backliteSystem{} }

// backliteWorkers: while all workers are busy its dispatcher waits for 100 ms, so that
// their number decides how fast it is.
const backliteWorkers = 1000

func (backliteSystem) name() string { return "backlite" }
func (backliteSystem) version() string {
	return "backlite " + moduleVersion("github.com/mikestefanello/backlite")
}
func (backliteSystem) settings() string { return "NumWorkers 1000, " + mattnSettings + "; no history" }

func (backliteSystem) prepare(context.Context, *server) (place, error) {
	room, err := createFile("backlite.db")
	if err != nil {
		return nil, err
	}
	s, err := openBacklite(room.address())
	if err != nil {
		return nil, err
	}
	defer s.close()
	return room, s.client.Install()
}

func (backliteSystem) open(_ context.Context, address string) (session, error) {
	return openBacklite(address)
}

func openBacklite(address string) (*backliteSession, error) {
	db, err := openMattn(address)
	if err != nil {
		return nil, err
	}
	client, err := backlite.NewClient(backlite.ClientConfig{DB: db, NumWorkers: backliteWorkers, ReleaseAfter: 10 * time.Minute})
	if err != nil {
		return nil, err
	}
	return &backliteSession{db, client}, nil
}

type backliteSession struct {
	db     *sql.DB
	client *backlite.Client
}

type backliteTask struct {
	N int64 `json:"n"`
}

func (backliteTask) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: "noop", MaxAttempts: 3, Backoff: time.Second, Timeout: time.Minute}
}

func (s *backliteSession) enqueue(ctx context.Context, n int64) error {
	_, err := s.client.Add(backliteTask{n}).Ctx(ctx).Save()
	return err
}

func (s *backliteSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	tasks := make([]backlite.Task, len(ns))
	for i, n := range ns {
		tasks[i] = backliteTask{n}
	}
	_, err := s.client.Add(tasks...).Ctx(ctx).Save()
	return err
}

func (s *backliteSession) start(ctx context.Context, events events) error {
	s.client.Register(backlite.NewQueue(func(_ context.Context, task backliteTask) error {
		events.performed(task.N)
		return nil
	}))
	s.client.Start(ctx)
	return nil
}

func (s *backliteSession) stop(ctx context.Context) error {
	s.client.Stop(ctx)
	return nil
}

func (s *backliteSession) unfinished(ctx context.Context) (bool, error) {
	return anyRow(ctx, s.db, "backlite_tasks")
}

func (s *backliteSession) close() { _ = s.db.Close() }
