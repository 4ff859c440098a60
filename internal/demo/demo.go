// Package demo shows later at work, all in one process: the example jobs, a mail
// server of its own that shows what it gets, and a flaky job, on a store in a
// temporary file or any other.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/docs"
	"github.com/laterjobs/later/internal/local"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// Options say how to run.
type Options struct {
	Store    store.Store   // to play on; nil: one in a temporary file
	Name     string        // of Store, for people
	Headless bool          // end by itself, and fail unless every promise holds
	For      time.Duration // how long Headless waits at most
	Load     int           // further jobs a second, while somebody watches
	Address  string        // of the dashboard, on this machine; empty: the usual port, or another one
	Out      io.Writer
	JSON     bool       // print the Report as JSON at the end, and nothing else
	Height   func() int // lines of the terminal that Out is; nil: it is none
}

// Report is how it ended.
type Report struct {
	OK     bool                    `json:"ok"`     // every job reached the state promised for it
	Counts map[later.JobStatus]int `json:"counts"` // of this run's jobs
	Mails  int                     `json:"mails"`  // that the mail server took
	Jobs   []Promised              `json:"jobs"`
}

// Promised is a job and the status that the demo promises for it.
type Promised struct {
	ID     int64           `json:"id"`
	Type   string          `json:"type"`
	Story  string          `json:"story"`
	Want   later.JobStatus `json:"want"`
	Status later.JobStatus `json:"status"`
}

// demo is one run.
type demo struct {
	Options
	dir     string // for files to process; removed at the end
	queue   *later.JobQueue
	mailbox *local.Mailbox
	web     *local.Web // nil if headless
	stage   *stage
	screen  *screen

	traffic *traffic // nil if headless
}

// Run runs the demo until ctx ends or, if headless, every promise holds.
func Run(ctx context.Context, o Options) (report Report, err error) {
	d := &demo{Options: o}
	if d.dir, err = os.MkdirTemp("", "later-demo"); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	if d.Store == nil {
		d.Name = filepath.Join(d.dir, "jobs.db")
		if d.Store, err = sqlite.Open(d.Name); err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, d.Store.Close()) }()
	}
	if d.mailbox, err = local.NewMailbox(0, unwelcoming()); err != nil {
		return report, err
	}
	defer d.mailbox.Close()
	d.queue = later.New(d.Store, later.Config{
		Queues: queues, SoftStop: time.Second, HardStop: time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if !d.Headless {
		d.traffic = newTraffic(d.queue, d.Load)
		if err := d.traffic.schedule(); err != nil {
			return report, err
		}
		if d.web, err = local.NewWeb(d.Address, d.queue, d.mailbox, dashboard.Environment("demo"), dashboard.Help(docs.Page),
			dashboard.Link("Try", "help/demo.md")); err != nil {
			return report, err
		}
		defer d.web.Close()
	}
	d.stage = newStage(d.queue, d.mailbox.Port, d.dir)
	d.screen = newScreen(d)
	return d.play(ctx)
}

func (d *demo) play(ctx context.Context) (Report, error) {
	if err := d.queue.Start(ctx); err != nil {
		return Report{}, err
	}
	err := d.acts(ctx)
	if d.Headless && ctx.Err() == nil {
		err = errors.Join(err, d.stage.look(ctx))
	}
	report := d.report()
	if d.traffic != nil {
		close(d.traffic.over)
	}
	_, stopErr := d.queue.Stop(context.WithoutCancel(ctx))
	d.screen.end(report)
	if err = errors.Join(err, stopErr); err != nil {
		return report, err
	}
	if d.Headless && !report.OK {
		return report, fmt.Errorf("not every job reached the state promised for it within %v", d.For)
	}
	return report, nil
}

const (
	frame = 100 * time.Millisecond // between two looks
	pause = 4 * time.Second        // between two rounds of jobs, while somebody watches
)

// acts enqueues jobs and shows them until it is time to end.
func (d *demo) acts(ctx context.Context) error {
	if err := d.stage.firstRound(ctx); err != nil {
		return err
	}
	if d.traffic != nil {
		if err := d.traffic.first(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
	}
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	began, lastRound := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := d.stage.look(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
		d.screen.draw()
		if d.Headless && (d.stage.settled() || time.Since(began) >= d.For) {
			return nil
		}
		if !d.Headless && time.Since(lastRound) >= pause {
			lastRound = time.Now()
			if err := d.stage.anotherRound(ctx); err != nil {
				return ignoreEnd(ctx, err)
			}
		}
		if d.traffic != nil {
			if err := d.traffic.flow(ctx, time.Now()); err != nil {
				return ignoreEnd(ctx, err)
			}
		}
	}
}

// ignoreEnd: that somebody pressed ctrl-C is no error.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (d *demo) report() Report {
	mails, _ := d.mailbox.Taken()
	report := Report{OK: d.stage.settled(), Counts: map[later.JobStatus]int{}, Mails: mails}
	for _, p := range d.stage.promises {
		report.Counts[p.job.Status]++
		report.Jobs = append(report.Jobs, Promised{p.job.ID, p.job.Type, p.story, p.want, p.job.Status})
	}
	return report
}
