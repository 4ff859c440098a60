package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/sqlite"
)

// What a page of your own shows of the jobs, or a tray reads as JSON.
func ExampleStatus() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	hello := later.Define[string]("HelloJob")
	queue.Register(hello.Do(func(context.Context, string) error { return nil }))
	if _, err := hello.PerformLater(context.Background(), queue, "Ada"); err != nil {
		panic(err)
	}
	status := dashboard.Status(queue)

	for _, accept := range []string{"text/html", "application/json"} {
		request, answer := httptest.NewRequest(http.MethodGet, "/status", nil), httptest.NewRecorder()
		request.Header.Set("Accept", accept)
		status.ServeHTTP(answer, request)
		fmt.Print(answer.Body)
	}
	// Output:
	// <div class="later-status" data-running="false"><span class="later-state">not running</span> <span class="later-count" data-status="pending">1 pending</span></div>
	// {"running":false,"processes":0,"slots":0,"counts":{"blocked":0,"cancelled":0,"completed":0,"failed":0,"pending":1,"retrying":0,"running":0,"scheduled":0}}
}

// The dashboard below a path of the program's own server.
func ExampleHandler() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue, mux, password := later.New(store, later.Config{}), http.NewServeMux(), "correct horse"

	mux.Handle("/jobs/", http.StripPrefix("/jobs", dashboard.Handler(queue, dashboard.BasicAuth("ops", password, dashboard.Operator))))

	for _, given := range []string{"correct horse", "battery staple"} {
		request := httptest.NewRequest(http.MethodGet, "/jobs/queues/", nil)
		request.SetBasicAuth("ops", given)
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// 200
	// 401
}
