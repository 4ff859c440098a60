package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/sqlite"
)

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
