package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	var headless bool
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch real jobs: mail over SMTP, files with progress, a clean-up, retries",
		Long: "Starts a JobQueue, example jobs and a mail server of its own, all in this process, on a store in a\n" +
			"temporary file; --db names another, which is kept. It runs until you press ctrl-C.",
		Example: "  later demo\n  later demo --headless --for 10s -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := demo.Options{Headless: headless, For: length, Out: a.out, JSON: a.json(), Height: height(a.out)}
			if !cmd.Flags().Changed("db") { // LATER_DB may name a store that is no playground
				_, err := demo.Run(cmd.Context(), o)
				return err
			}
			return a.demoOn(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&headless, "headless", false, "end by itself, and fail unless every job reached the state promised for it")
	cmd.Flags().DurationVar(&length, "for", 10*time.Second, "how long --headless waits at most")
	return cmd
}

// demoOn plays on the store that --db names.
func (a *app) demoOn(ctx context.Context, o demo.Options) (err error) {
	at, err := a.address()
	if err != nil {
		return err
	}
	store, err := at.create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	o.Store, o.Name = store, at.String()
	_, err = demo.Run(ctx, o)
	return err
}
