package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// TestShop orders over HTTP and stops the program while it packs. The job is given back,
// and a second start packs the order, once.
func TestShop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	shop := start(t, path, time.Hour) // this one never gets done
	shop.order(t, "tea", http.StatusOK)
	shop.order(t, "", http.StatusBadRequest)
	shop.waitFor(t, "/jobs/jobs/?q=status:running", "PackOrderJob")
	if page := shop.get(t, "/"); !strings.Contains(page, "1: tea (waits for its job)") {
		t.Errorf("the page: %s", page)
	}
	shop.stop(t)

	shop = start(t, path, time.Millisecond)
	shop.waitFor(t, "/", "1: tea (packed)")
	shop.stop(t)

	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	jobs, err := later.New(store, later.Config{}).List(t.Context(), later.Filter{Target: "order/1"})
	if err != nil || len(jobs) != 1 || jobs[0].Status != later.StatusCompleted || jobs[0].Attempt != 1 {
		t.Errorf("jobs: %+v, %v", jobs, err)
	}
}

// running is the program at work.
type running struct {
	url   string
	end   context.CancelFunc
	ended chan error
}

func start(t *testing.T, path string, work time.Duration) *running {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	p := &running{"http://" + listener.Addr().String(), cancel, make(chan error, 1)}
	go func() { p.ended <- run(ctx, path, work, listener, later.Config{SoftStop: time.Millisecond}) }()
	return p
}

func (p *running) stop(t *testing.T) {
	t.Helper()
	p.end()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
}

func (p *running) order(t *testing.T, item string, want int) {
	t.Helper()
	response, err := http.PostForm(p.url+"/orders", url.Values{"item": {item}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != want {
		t.Errorf("ordering %q: %s", item, response.Status)
	}
}

func (p *running) get(t *testing.T, path string) string {
	t.Helper()
	response, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func (p *running) waitFor(t *testing.T, path, text string) {
	t.Helper()
	var page string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if page = p.get(t, path); strings.Contains(page, text) {
			return
		}
	}
	t.Fatalf("%s lacks %q:\n%s", path, text, page)
}
