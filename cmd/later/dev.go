package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/docs"
	"github.com/laterjobs/later/internal/dev"
	"github.com/laterjobs/later/internal/local"
)

func devCommand() *cobra.Command {
	var o dev.Options
	cmd := &cobra.Command{
		Use:   "dev [-- go run PACKAGE]",
		Short: "Rebuild and restart a program when its files change; dashboard and mail inbox beside it",
		Long: "Builds and runs a program of the module here, go run . if you name none, and does it again whenever its Go\n" +
			"files, templates, .env or go.mod change. The program that runs is replaced only by one that builds. It gets\n" +
			"SIGTERM, stops gracefully, and its unfinished jobs go back to the store: none is lost, none burns an attempt.\n\n" +
			"If no store is named by --db, LATER_DB or .env, one is made in ./.later/. The program finds it in LATER_DB, and\n" +
			"a mail server that delivers nothing in SMTP_HOST and SMTP_PORT, unless you have set these. LATER_DEV is 1.",
		Example: "  later dev\n  later dev -- go run -tags dev ./cmd/app serve\n  later dev --watch '*.css' --poll",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return usagef("write the program after --, such as later dev -- go run ./cmd/app")
			}
			if o.Drain < 0 {
				return usagef("--drain %v is negative", o.Drain)
			}
			for _, pattern := range o.Also {
				if _, err := filepath.Match(pattern, ""); err != nil {
					return usagef("--watch %q is no pattern of file names, such as *.css", pattern)
				}
			}
			o.Command, o.Out, o.Err, o.Talk = args, cmd.OutOrStdout(), cmd.ErrOrStderr(), cmd.ErrOrStderr()
			return develop(cmd.Context(), cmd.Flag("db").Value.String(), cmd.Flag("schema").Value.String(), o)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.Drain, "drain", 45*time.Second, "how long the program may take to stop before it is killed; more than its SoftStop and HardStop")
	flags.BoolVar(&o.Poll, "poll", false, "look for changes twice a second, where the system does not tell of them")
	flags.StringSliceVar(&o.Also, "watch", nil, "patterns of names of further files to watch, such as '*.css'")
	return cmd
}

// develop serves the dashboard and the mails, and runs the program beside them.
func develop(ctx context.Context, db, schema string, o dev.Options) (err error) {
	ctx, done := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal is closed
	defer done()
	if o.Dir, err = os.Getwd(); err != nil {
		return err
	}
	known := dev.DotEnv(o.Dir)
	if db, err = developmentStore(db, o.Dir, known); err != nil {
		return err
	}
	address, err := at(db, schema, "db")
	if err != nil {
		return err
	}
	store, err := address.Create(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	mails, err := local.NewMailbox(mailPort, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mails.Close()) }()
	quiet := slog.New(slog.NewTextHandler(o.Talk, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var problem atomic.Value // of the last build
	problem.Store("")
	o.Built = func(text string) { problem.Store(text) }
	alert := func() string { return failedBuild(problem.Load().(string)) }
	web, err := local.NewWeb("", later.New(store, later.Config{Logger: quiet}), mails, dashboard.Environment("development"), dashboard.Alert(alert), dashboard.Help(docs.Page))
	if err != nil {
		return err
	}
	defer web.Close()
	o.Env = append(o.Env, "LATER_DEV=1", "LATER_DB="+db)
	for name, value := range map[string]string{"SMTP_HOST": "127.0.0.1", "SMTP_PORT": strconv.Itoa(mails.Port)} {
		if _, set := known[name]; !set && os.Getenv(name) == "" {
			o.Env = append(o.Env, name+"="+value)
		}
	}
	introduce(o.Talk, web.Address, mails.Port, address.String())
	again, forget := secondSignal(ctx)
	defer forget()
	o.Force = again
	if err := dev.Run(ctx, o); errors.Is(err, dev.ErrCommand) || errors.Is(err, dev.ErrNoModule) {
		return usagef("%w", err)
	} else if err != nil {
		return err
	}
	return nil
}

// failedBuild is what the dashboard shows of a build.
func failedBuild(problem string) string {
	if problem == "" {
		return ""
	}
	return "The build failed:\n\n" + problem
}

// mailPort is the one that such mail servers usually have.
const mailPort = 1025

func introduce(to io.Writer, dashboard string, mail int, store string) {
	fmt.Fprintf(to, "later dev: the dashboard is at %s\n", dashboard)
	fmt.Fprintf(to, "later dev: mails to 127.0.0.1:%d are shown at %smail/\n", mail, dashboard)
	fmt.Fprintf(to, "later dev: jobs are in %s (LATER_DB); ctrl-C ends all\n", store)
}

// developmentStore is the store that was named, or else one of the folder's own.
func developmentStore(db, dir string, known map[string]string) (string, error) {
	if db == "" {
		db = os.Getenv("LATER_DB")
	}
	if db == "" {
		db = known["LATER_DB"]
	}
	if db != "" {
		if isURL(db) {
			return db, nil
		}
		return filepath.Abs(db)
	}
	own := filepath.Join(dir, ".later")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return "", err
	}
	ignore := filepath.Join(own, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o644); err != nil {
			return "", err
		}
	}
	return filepath.Join(own, "jobs.db"), nil
}

// secondSignal is closed when somebody presses ctrl-C once more.
func secondSignal(ctx context.Context) (again <-chan struct{}, stop func()) {
	pressed, over := make(chan struct{}), make(chan struct{})
	context.AfterFunc(ctx, func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		select {
		case <-signals:
			close(pressed)
		case <-over:
		}
	})
	return pressed, func() { close(over) }
}
