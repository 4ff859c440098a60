// Command pictures makes the pictures of the dashboard in docs/images: a store is
// filled with what a shop might have done, and a Chromium looks at it.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/docs"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

func main() {
	into := flag.String("into", "docs/images", "the folder for the pictures")
	only := flag.String("only", "", "make only the pictures whose names contain this")
	extra := flag.Bool("all", false, "make pictures of every page, in both themes, wide and narrow: for whoever designs")
	flag.Parse()
	if err := run(*into, *only, *extra); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// shot is one picture.
type shot struct {
	name, path    string
	width, height int
	theme         string
	does          string // JavaScript: what somebody does before the picture is taken
}

// shown are those that the documentation has.
var shown = []shot{
	{name: "overview", width: 1280, height: 900, theme: "light"},
	{name: "jobs", path: "jobs/", width: 1280, height: 800, theme: "light"},
	{name: "job", path: "jobs/{failed}", width: 1280, height: 900, theme: "light"},
	{name: "errors", path: "errors/{cause}", width: 1280, height: 860, theme: "light"},
	{name: "schedules", path: "schedules/", width: 1280, height: 560, theme: "dark"},
	{name: "phone", width: 390, height: 844, theme: "dark"},
}

// screens are those for which somebody designs.
var screens = []struct {
	name          string
	width, height int
	theme         string
}{{"light", 1440, 1000, "light"}, {"dark", 1024, 1100, "dark"}, {"phone", 360, 1500, "dark"}, {"phone-light", 360, 1500, "light"}}

// done are pages on which somebody has done something.
var done = []shot{
	{name: "do-point", does: `(() => { const at = document.querySelector(".chart svg"), box = at.getBoundingClientRect();
		at.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: box.left + box.width * 0.7, clientY: box.top + 40 })); })()`},
	{name: "do-tick", path: "jobs/", does: `document.querySelectorAll("input[name=id]")[11].click()`},
	{name: "do-more", path: "jobs/?q=status:failed", does: `document.querySelectorAll(".more details")[6].open = true`},
	{name: "do-keys", path: "jobs/", does: `document.querySelector("[data-help]").click()`},
	{name: "do-pause", path: "queues/", does: `[...document.querySelectorAll("[data-pause]")].at(-1).open = true`},
	{name: "do-pause-all", path: "queues/", does: `document.querySelector("#pause-all").open = true`},
	{name: "do-pause-schedule", path: "schedules/", does: `[...document.querySelectorAll("[data-pause]")].at(-1).open = true`},
	{name: "do-copy", path: "jobs/{failed}", does: `document.querySelector("#copies").open = true`},
	{name: "do-foot", does: `scrollTo(0, 1e6)`},
}

func all() (shots []shot) {
	for name, path := range map[string]string{
		"overview": "", "jobs": "jobs/", "queues": "queues/", "queue": "queues/webhooks", "types": "types/", "type": "types/WebhookJob", "schedules": "schedules/",
		"schedule": "schedules/sync-orders", "processes": "processes/", "process": "processes/811203", "settings": "settings/", "new": "jobs/new?type=WebhookJob",
		"errors": "errors/", "error": "errors/{cause}", "question": "ops/new?do=retry&q=cause:{cause}", "operation": "ops/{operation}", "operations": "ops/",
		"ask-delete": "ops/new?do=delete&q=id:{failed}", "ask-reschedule": "ops/new?do=reschedule&q=id:{scheduled}", "ask-empty": "ops/new?do=delete&q=queue:webhooks&name=webhooks",
		"edit-job": "jobs/{scheduled}/edit", "pins": "pinned/jobs/?q=status:failed",
		"list-far": "jobs/?q=status:completed&before={failed}", "why": "jobs/{failed}/why", "edit": "schedules/nightly-report/edit", "status": "status/", "audit": "audit/", "request": "requests/{request}", "none": "jobs/?q=nothing", "wrong": "jobs/?q=status:fialed", "help": "help/failures.md",
		"job-failed": "jobs/{failed}", "job-running": "jobs/{running}", "job-completed": "jobs/{completed}", "job-scheduled": "jobs/{scheduled}", "job-retrying": "jobs/{retrying}",
		"job-pending": "jobs/{pending}", "list-failed": "jobs/?q=status:failed", "not-found": "jobs/99999999", "forbidden": "guest/audit/", "long": "long/jobs/", "long-overview": "long/",
		"long-job": "long/jobs/1", "long-queues": "long/queues/",
		"empty-overview": "empty/", "empty-jobs": "empty/jobs/", "empty-queues": "empty/queues/", "empty-types": "empty/types/", "empty-schedules": "empty/schedules/",
		"empty-processes": "empty/processes/", "empty-errors": "empty/errors/", "empty-audit": "empty/audit/", "empty-operations": "empty/ops/",
	} {
		for _, s := range screens {
			shots = append(shots, shot{name: name + "-" + s.name, path: path, width: s.width, height: s.height, theme: s.theme})
		}
	}
	for _, d := range done {
		for _, s := range screens {
			shots = append(shots, shot{d.name + "-" + s.name, d.path, s.width, s.height, s.theme, d.does})
		}
	}
	slices.SortFunc(shots, func(a, b shot) int { return strings.Compare(a.name, b.name) })
	return shots
}

func run(into, only string, extra bool) (err error) {
	dir, err := os.MkdirTemp("", "later-pictures")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	jobs, err := sqlite.Open(filepath.Join(dir, "jobs.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, jobs.Close()) }()
	places, err := fill(context.Background(), jobs, time.Now())
	if err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	empty, err := sqlite.Open(filepath.Join(dir, "empty.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, empty.Close()) }()
	handler := http.NewServeMux()
	handler.Handle("/", show(jobs))
	handler.HandleFunc("/status/", host(dashboard.Status(later.New(jobs, later.Config{})), dashboard.Status(later.New(empty, later.Config{}))))
	handler.Handle("/empty/", http.StripPrefix("/empty", show(empty)))
	handler.Handle("/pinned/", http.StripPrefix("/pinned", pinned(show(jobs))))
	handler.Handle("/guest/", http.StripPrefix("/guest", dashboard.Handler(later.New(jobs, later.Config{}), dashboard.Loopback(dashboard.ReadOnly))))
	if extra {
		long, err := sqlite.Open(filepath.Join(dir, "long.db"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, long.Close()) }()
		if err := overlong(context.Background(), long, time.Now()); err != nil {
			return fmt.Errorf("fill the store of long words: %w", err)
		}
		handler.Handle("/long/", http.StripPrefix("/long", show(long)))
	}
	alive, end := context.WithCancel(context.Background())
	defer end()
	go beat(alive, jobs)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // until Close
	defer server.Close()
	shots := shown
	if extra {
		shots = all()
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	return take(shots, only, into, "http://"+listener.Addr().String()+"/", places)
}

func show(jobs *sqlite.Store) http.Handler {
	return dashboard.Handler(later.New(jobs, later.Config{Logger: slog.New(slog.DiscardHandler)}), dashboard.Loopback(dashboard.Admin), dashboard.Environment("shop"), dashboard.EnvironmentColor("green"), dashboard.Help(docs.Page))
}

// host is a page of a program that shows how its jobs do, with a style of its own.
func host(parts ...http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>A shop</title><style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem } .later-status { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: .5rem .75rem; border: 1px solid #8884; border-radius: 6px; margin: 0 0 1rem }
.later-state::before { content: "●"; margin-right: .4em; color: #c33 } [data-running=true] .later-state::before { color: #2a7 } [data-status=failed] { color: #c33 }
</style><h1>A shop</h1><p>With a style of the page:</p>`)
		for _, part := range parts {
			part.ServeHTTP(inside{w}, r)
		}
		fmt.Fprint(w, `<p>Without:</p><div style="all: initial">`)
		parts[0].ServeHTTP(inside{w}, r)
		fmt.Fprint(w, `</div>`)
	}
}

// inside lets an answer be a part of another one.
type inside struct{ io.Writer }

func (inside) Header() http.Header { return http.Header{} }
func (inside) WriteHeader(int)     {}

// pinned is a dashboard to a browser that has pinned some queries.
func pinned(next http.Handler) http.Handler {
	pins := base64.RawURLEncoding.EncodeToString([]byte(`[{"n":"What failed","q":"status:failed"},{"q":"type:WebhookJob status:retrying"},{"n":"Slow mails","q":"queue:mailers took:>5s"}]`))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "later_pins", Value: pins})
		next.ServeHTTP(w, r)
	})
}

// take makes the pictures with one browser.
func take(shots []shot, only, into, root string, places *strings.Replacer) error {
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		return errors.New("there is no Chromium: scripts/test-browser installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(time.Minute))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, closeTab := chromedp.NewContext(allocated)
	defer closeTab()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return err
	}
	for _, s := range shots {
		if !strings.Contains(s.name, only) {
			continue
		}
		prefers := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.theme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, prefers); err != nil {
			return err
		}
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(s.width), int64(s.height)), chromedp.Navigate(root+places.Replace(s.path)), chromedp.WaitReady("body")); err != nil {
			return err
		}
		if s.does != "" {
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[any]("(() => { "+s.does+"; return true })()")); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			return err
		}
		if picture, err = smaller(picture); err != nil {
			return err
		}
		name := filepath.Join(into, s.name+".png")
		if err := os.WriteFile(name, picture, 0o644); err != nil {
			return err
		}
		fmt.Println(name, len(picture)>>10, "KiB")
	}
	return nil
}

// smaller compresses a picture as well as can be: Chromium is in a hurry.
func smaller(picture []byte) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&text, decoded)
	return text.Bytes(), err
}

// beat keeps the processes of the shop alive.
func beat(ctx context.Context, on *sqlite.Store) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, id := range []int64{web1, web2} {
			_, _ = on.Beat(ctx, store.Heartbeat{ProcessID: id, State: store.ProcessRunning}, time.Now()) // one that is lost makes a picture sad, no more
		}
	}
}
