package latercli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
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
}

func (a *app) webCommand() *cobra.Command {
	w := web{}
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Serve the dashboard of a store",
		Long: `Serve the dashboard of a store to the browsers of this machine.

To serve it to others, set LATER_WEB_PASSWORD, which they then give with the name
"later", and put a server with TLS in front. The usual way for a service is to mount
dashboard.Handler in your own program.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.serve(ctx, q, w) })
		},
	}
	cmd.Flags().StringVar(&w.listen, "listen", "127.0.0.1:8100", "address and port; port 0 takes a free one")
	cmd.Flags().BoolVar(&w.readOnly, "read-only", false, "show everything, change nothing")
	cmd.Flags().StringVar(&w.environment, "environment", "", `a name that every page shows, such as "production"`)
	return cmd
}

func (a *app) serve(ctx context.Context, q *later.JobQueue, w web) error {
	may := dashboard.Admin
	if w.readOnly {
		may = dashboard.ReadOnly
	}
	access := dashboard.Loopback(may)
	if password := os.Getenv("LATER_WEB_PASSWORD"); password != "" {
		access = dashboard.BasicAuth("later", password, may)
	} else if !isLoopback(w.listen) {
		return usagef("--listen %s can be reached by others: set LATER_WEB_PASSWORD, or listen on 127.0.0.1", w.listen)
	}
	listener, err := net.Listen("tcp", w.listen)
	if err != nil {
		return fmt.Errorf("serve the dashboard: %w", err)
	}
	server := &http.Server{
		Handler:           dashboard.Handler(q, access, dashboard.Environment(w.environment), dashboard.Help(docs.Page)),
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

// isLoopback reports whether only this machine reaches an address.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}
