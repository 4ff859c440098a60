//go:build cgo

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"maragu.dev/goqite"
	"maragu.dev/goqite/jobs"
)

// goqiteSystem is goqite with its job runner. It deletes jobs that are done.
type goqiteSystem struct{}

func goqiteOnSQLite() system { return goqiteSystem{} }

// goqiteLimit jobs are performed at once. The runner polls, even when it is idle.
const (
	goqiteLimit = 100
	goqitePoll  = 10 * time.Millisecond
)

func (goqiteSystem) name() string    { return "goqite" }
func (goqiteSystem) version() string { return "goqite " + moduleVersion("maragu.dev/goqite") }
func (goqiteSystem) settings() string {
	return "Limit 100, PollInterval 10ms, " + mattnSettings + "; no history"
}

func (goqiteSystem) prepare(ctx context.Context, _ *server) (place, error) {
	room, err := createFile("goqite.db")
	if err != nil {
		return nil, err
	}
	db, err := openMattn(room.address())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	schema, err := goqiteSchema(ctx)
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, schema)
	return room, err
}

func (goqiteSystem) open(_ context.Context, address string) (session, error) {
	db, err := openMattn(address)
	if err != nil {
		return nil, err
	}
	return &goqiteSession{db: db, queue: goqite.New(goqite.NewOpts{DB: db, Name: "jobs"})}, nil
}

type goqiteSession struct {
	db    *sql.DB
	queue *goqite.Queue
	halt  context.CancelFunc
	ended chan struct{}
}

func goqiteMessage(n int64) goqite.Message {
	body, _ := json.Marshal(laterArgs{n}) // an integer does not fail
	return goqite.Message{Body: body}
}

func (s *goqiteSession) enqueue(ctx context.Context, n int64) error {
	_, err := jobs.Create(ctx, s.queue, "noop", goqiteMessage(n))
	return err
}

// enqueueMany has no statement for many jobs, but a transaction.
func (s *goqiteSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, n := range ns {
		if _, err := jobs.CreateTx(ctx, tx, s.queue, "noop", goqiteMessage(n)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *goqiteSession) start(ctx context.Context, events events) error {
	runner := jobs.NewRunner(jobs.NewRunnerOpts{Limit: goqiteLimit, PollInterval: goqitePoll, Queue: s.queue})
	runner.Register("noop", func(_ context.Context, body []byte) error {
		var args laterArgs
		if err := json.Unmarshal(body, &args); err != nil {
			return err
		}
		events.performed(args.N)
		return nil
	})
	ctx, s.halt = context.WithCancel(ctx)
	s.ended = make(chan struct{})
	go func() {
		runner.Start(ctx)
		close(s.ended)
	}()
	return nil
}

func (s *goqiteSession) stop(context.Context) error {
	s.halt()
	<-s.ended
	return nil
}

func (s *goqiteSession) unfinished(ctx context.Context) (bool, error) {
	return anyRow(ctx, s.db, "goqite")
}
func (s *goqiteSession) close() { _ = s.db.Close() }

// goqiteSchema is what goqite's documentation says to install. The library does not
// hold it, but its module has the file.
func goqiteSchema(ctx context.Context) (string, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "maragu.dev/goqite").Output()
	if err != nil {
		return "", fmt.Errorf("where is the module of goqite? Run this in the folder bench: %w", err)
	}
	schema, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema_sqlite.sql"))
	return string(schema), err
}
