package latercli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/docs"
)

// web is what later web is asked for.
type web struct {
	listen      string
	readOnly    bool
	environment string
	color       string // of the environment
	userHeader  string // of a proxy, that says who asks
	proxies     []string
}

func (a *app) webCommand() *cobra.Command {
	w := web{}
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Serve the dashboard of a store",
		Long: `Serve the dashboard of a store to the browsers of this machine.

To serve it to others, set LATER_WEB_PASSWORD, which they then give with the name
"later", and put a server with TLS in front. Behind a proxy that has asked who it is,
--user-header names the header in which it says so, and --proxy its addresses. The usual way for a service is to mount
dashboard.Handler in your own program.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.serve(ctx, q, w) })
		},
	}
	cmd.Flags().StringVar(&w.listen, "listen", "127.0.0.1:8100", "address and port; port 0 takes a free one")
	cmd.Flags().BoolVar(&w.readOnly, "read-only", false, "show everything, change nothing")
	cmd.Flags().StringVar(&w.environment, "environment", "", `a name that every page shows, such as "production"`)
	cmd.Flags().StringVar(&w.color, "environment-color", "", "a line at the top of every page: "+strings.Join(dashboard.Colors(), ", "))
	cmd.Flags().StringVar(&w.userHeader, "user-header", "", `the header in which a proxy says who asks, such as "X-Forwarded-User"`)
	cmd.Flags().StringSliceVar(&w.proxies, "proxy", nil, "the address of that proxy, or a network such as 10.0.0.0/24; others are refused")
	return cmd
}

func (a *app) serve(ctx context.Context, q *later.JobQueue, w web) error {
	may := dashboard.Admin
	if w.readOnly {
		may = dashboard.ReadOnly
	}
	opts := []dashboard.Option{dashboard.Environment(w.environment), dashboard.Help(docs.Page)}
	if w.color != "" {
		if !slices.Contains(dashboard.Colors(), w.color) {
			return usagef("--environment-color %q: choose one of %s", w.color, strings.Join(dashboard.Colors(), ", "))
		}
		opts = append(opts, dashboard.EnvironmentColor(w.color))
	}
	access, err := w.access(may)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", w.listen)
	if err != nil {
		return fmt.Errorf("serve the dashboard: %w", err)
	}
	server := &http.Server{
		Handler:           dashboard.Handler(q, access, opts...),
		ReadHeaderTimeout: 10 * time.Second,
	}
	fmt.Fprintf(a.err, "The dashboard is at http://%s/\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the dashboard: %w", err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(patience); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop the dashboard: %w", err)
	}
	return nil
}

// access is who may see the dashboard; it is an error if that would be everybody.
func (w web) access(may dashboard.Permission) (dashboard.Access, error) {
	password := os.Getenv("LATER_WEB_PASSWORD")
	switch {
	case (w.userHeader == "") != (len(w.proxies) == 0):
		return nil, usagef("--user-header and --proxy belong together: who may set the header?")
	case w.userHeader != "" && password != "":
		return nil, usagef("--user-header and LATER_WEB_PASSWORD are two answers to who asks: choose one")
	case w.userHeader != "":
		var from []netip.Prefix
		for _, text := range w.proxies {
			network, err := netip.ParsePrefix(text)
			if addr, bad := netip.ParseAddr(text); bad == nil {
				network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
			}
			if err != nil {
				return nil, usagef("--proxy %q is no address, such as 10.0.0.7, and no network, such as 10.0.0.0/24", text)
			}
			from = append(from, network)
		}
		return dashboard.ProxyHeader(w.userHeader, func(string) dashboard.Permission { return may }, from...), nil
	case password != "":
		return dashboard.BasicAuth("later", password, may), nil
	case !isLoopback(w.listen):
		return nil, usagef("--listen %s can be reached by others: set LATER_WEB_PASSWORD, name a proxy, or listen on 127.0.0.1", w.listen)
	}
	return dashboard.Loopback(may), nil
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}
