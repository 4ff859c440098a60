// First is the program of docs/quick-reference.md: a job, a page that enqueues it, and
// the dashboard.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/sqlite"
)

// GreetArgs are what a GreetJob works on. They are stored as JSON.
type GreetArgs struct {
	Name string `json:"name" validate:"required"`
}

// Greet is the definition: the name under which jobs are stored, and the rules.
var Greet = later.Define[GreetArgs]("GreetJob",
	later.Description("Greets somebody, slowly"),
	later.Timeout(time.Minute))

// greet does the work.
func greet(ctx context.Context, args GreetArgs) error {
	select {
	case <-time.After(10 * time.Second): // time enough to kill it
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	later.Running(ctx).Logger.Info("Hello, " + args.Name)
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	store, err := sqlite.Open("jobs.db")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(Greet.Do(greet))
	go func() { log.Fatal(http.ListenAndServe("localhost:8080", pages(queue))) }()
	log.Print("the dashboard is at http://localhost:8080/jobs/")
	if err := queue.Run(ctx); err != nil { // works until Ctrl-C, then stops gracefully
		log.Fatal(err)
	}
}

func pages(queue *later.JobQueue) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /greet", func(w http.ResponseWriter, r *http.Request) {
		job, err := Greet.PerformLater(r.Context(), queue, GreetArgs{Name: r.FormValue("name")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "job %d is %s\n", job.ID, job.Status)
	})
	mux.Handle("/jobs/", http.StripPrefix("/jobs", dashboard.Handler(queue, dashboard.Loopback(dashboard.Admin))))
	return mux
}
