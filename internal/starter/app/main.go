// A program that enqueues jobs, performs them, and shows them at /jobs/.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
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

// greet is the handler: it does the work.
func greet(ctx context.Context, args GreetArgs) error {
	job := later.Running(ctx)
	for second := range int64(5) {
		job.Progress(second, 5, "thinking of words")
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	job.Logger.Info("Hello, " + args.Name)
	return nil
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address of the pages")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen); err != nil {
		log.Fatal(err)
	}
}

// run serves pages and performs jobs until ctx ends. What is not finished then goes back
// to the store, and the next process goes on with it.
func run(ctx context.Context, listen string) error {
	store, err := sqlite.Open(cmp.Or(os.Getenv("LATER_DB"), "jobs.db"))
	if err != nil {
		return err
	}
	defer store.Close()
	config := later.Config{}
	if os.Getenv("LATER_DEV") != "" { // later dev replaces the program whenever a file changes
		config.SoftStop = time.Second
	}
	queue := later.New(store, config)
	queue.Register(Greet.Do(greet))

	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: pages(queue), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Print(err)
		}
	}()
	log.Printf("enqueue at http://%s/, look at the jobs at http://%[1]s/jobs/", listener.Addr())
	err = queue.Run(ctx) // until ctx ends; then it stops gracefully
	return errors.Join(err, server.Close())
}

// pages are a form that enqueues, and the dashboard, which only this machine sees.
func pages(queue *later.JobQueue) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>Greetings</title><form method="post"><input name="name" value="Ada"> <button>Greet</button></form> <a href="jobs/">Jobs</a>`)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		job, err := Greet.PerformLater(r.Context(), queue, GreetArgs{Name: r.FormValue("name")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/jobs/jobs/%d", job.ID), http.StatusSeeOther)
	})
	mux.Handle("/jobs/", http.StripPrefix("/jobs", dashboard.Handler(queue, dashboard.Loopback(dashboard.Admin))))
	return mux
}
