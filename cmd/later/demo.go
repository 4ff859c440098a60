package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/laterjobs/later/internal/demo"
)

func demoCommand() *cobra.Command {
	var headless bool
	var length time.Duration
	var listen string
	var load int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch real jobs: mail over SMTP, files with progress, a clean-up, retries",
		Long: "Starts a JobQueue, example jobs and a mail server of its own, all in this process, on a store in a\n" +
			"temporary file; --db names another, which is kept. It runs until you press ctrl-C.",
		Example: "  later demo\n  later demo --load 200\n  later demo --db postgres://ada@host/demo\n  later demo --headless --for 10s -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLocal(listen); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if load < 0 || load > 5000 {
				return usagef("--load %d: write 0 to 5000 jobs a second", load)
			}
			o := demo.Options{Address: listen, Load: load, Headless: headless, For: length, Out: out, JSON: cmd.Flag("output").Value.String() == "json", Height: height(out)}
			if !cmd.Flags().Changed("db") { // LATER_DB may name a store that is no playground
				_, err := demo.Run(cmd.Context(), o)
				return err
			}
			return demoOn(cmd.Context(), cmd.Flag("db").Value.String(), cmd.Flag("schema").Value.String(), o)
		},
	}
	cmd.Flags().BoolVar(&headless, "headless", false, "end by itself, and fail unless every job reached the state promised for it")
	cmd.Flags().DurationVar(&length, "for", 10*time.Second, "how long --headless waits at most")
	cmd.Flags().StringVar(&listen, "listen", "", "address and port of the dashboard, on this machine; port 0 takes a free one (127.0.0.1:8100, or another if that is taken)")
	cmd.Flags().IntVar(&load, "load", 0, "further jobs a second that do nothing, such as 200, to see the charts move")
	return cmd
}

// checkLocal refuses an address that others reach: the demo asks for no password.
func checkLocal(addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("--listen %q: write an address and a port, such as 127.0.0.1:8100", addr)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return usagef("--listen %q: others could reach it, and the demo asks for no password; later web can", addr)
	}
	return nil
}

// demoOn plays on the store that --db names.
func demoOn(ctx context.Context, db, schema string, o demo.Options) (err error) {
	address, err := at(db, schema, "db")
	if err != nil {
		return err
	}
	store, err := address.Create(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	o.Store, o.Name = store, address.String()
	_, err = demo.Run(ctx, o)
	return err
}

// height tells how many lines the terminal has that w is; nil: it is none.
func height(w io.Writer) func() int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func() int {
		_, lines, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 24
		}
		return lines
	}
}
