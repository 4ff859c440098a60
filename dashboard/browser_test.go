package dashboard_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// browser is a tab in a real Chromium. The test fails if a page asks something in a
// dialog that is not expected, or breaks its own policy.
type browser struct {
	t     *testing.T
	ctx   context.Context
	quiet bool // complaints are expected

	mu      sync.Mutex
	dialogs []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		if os.Getenv("LATER_TEST_REQUIRE_BROWSER") != "" {
			t.Fatal("there is no Chromium, and LATER_TEST_REQUIRE_BROWSER is set: see scripts/test-browser")
		}
		t.Skip("SKIPPED: there is no Chromium; scripts/test-browser installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute))
	started, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(started)
	t.Cleanup(closeTab)
	b := &browser{t: t, ctx: ctx}
	b.run(chromedp.Navigate("about:blank")) // the browser lives as long as the context of the first call
	var cancel context.CancelFunc
	b.ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	if err := chromedp.Listen(b.ctx, b.notice); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// notice answers dialogs with yes, and takes every complaint of the browser for an
// error of ours.
func (b *browser) notice(event any) {
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		b.mu.Lock()
		b.dialogs = append(b.dialogs, e.Message)
		b.mu.Unlock()
		go func() { // an error shows as a page that goes no further
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *log.EventEntryAdded:
		over := b.t.Context().Err() != nil                                   // the server goes away while the page may load something
		if !b.quiet && !over && !strings.HasSuffix(e.Entry.URL, "/events") { // a stream ends with its server
			b.t.Errorf("the browser says: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.t.Errorf("the script failed: %+v", e.ExceptionDetails)
	}
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval is what an expression is in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// until waits until an expression is true, in a page that is there whole: what is written
// may be seen before its script has run.
func (b *browser) until(expression string) {
	b.t.Helper()
	whole := chromedp.Evaluate[bool](`document.readyState === "complete" && Boolean(` + expression + ")")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		switch met, err := chromedp.Run(b.ctx, whole); {
		case met && err == nil:
			return
		case time.Now().After(deadline) || b.ctx.Err() != nil: // until then an error may be that of a page that goes
			b.t.Fatalf("never true: %s (%v)\n%s", expression, err, eval[string](b, "String(document.body?.innerText)"))
		}
	}
}

// open waits for a page, whole.
func (b *browser) open(address string) {
	b.t.Helper()
	b.run(chromedp.Navigate(address))
	b.until("true")
}

// click clicks what can be clicked, wherever it stands by then: a pointer misses what the page
// moves between a look and the press.
func (b *browser) click(selector string) {
	b.t.Helper()
	element := "document.querySelector(" + quoted(selector) + ")"
	b.until(element + "?.checkVisibility() && !" + element + ".disabled")
	eval[bool](b, element+".click(), true")
}

func quoted(text string) string { return strconv.Quote(text) }

// TestPageKeepsItselfUpToDate: by the stream, without being loaded again, and not under
// the hands of somebody who has ticked a row: what is new is offered.
func TestPageKeepsItselfUpToDate(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	b.open(root + "jobs/")
	eval[bool](b, "window.same = true")
	row := func(id int64) string {
		return "document.querySelector(" + quoted("#j"+strconv.FormatInt(id, 10)) + ")"
	}
	enqueue := func() int64 {
		t.Helper()
		job, err := results.PerformLater(t.Context(), s.queue, workArgs{hostile})
		if err != nil {
			t.Fatal(err)
		}
		return job.ID
	}
	b.until(`document.documentElement.dataset.stream === "open"`)
	b.until(row(enqueue()))
	ticked := s.ids[later.StatusFailed]
	b.click("#j" + strconv.FormatInt(ticked, 10) + " input")
	b.until(`document.querySelector("[data-ticked]").textContent === "With 1 ticked"`)
	held := enqueue()
	b.until(`document.querySelector("#fresh")?.textContent === "1 new job: show"`)
	if eval[bool](b, "Boolean("+row(held)+")") {
		t.Error("a row has come in while another was ticked")
	}
	b.click("#fresh button")
	b.until(row(held))
	if !eval[bool](b, `!document.querySelector("#fresh") && document.querySelectorAll("input[name=id]:checked").length === 1`) {
		t.Errorf("showing the new rows has taken the tick, or left the offer: %s", eval[string](b,
			`document.querySelectorAll("input[name=id]:checked").length + " ticked, " + document.querySelector("#fresh")?.textContent`))
	}
	b.click("[data-live-toggle]")
	b.until(`document.querySelector("[data-live-toggle]").textContent === "Paused" && !document.documentElement.dataset.stream`)
	if !eval[bool](b, "window.same === true") {
		t.Error("the page was loaded again")
	}
	followsLog(t, b, s, root)
}

// followsLog: the end of the log of a running job stays in view, for whoever looks at it.
func followsLog(t *testing.T, b *browser, s *stage, root string) {
	t.Helper()
	s.running(t)
	b.open(root + "jobs/" + strconv.FormatInt(s.ids[later.StatusRunning], 10))
	b.until(`document.documentElement.dataset.stream === "open"`)
	const lines = `document.querySelectorAll("#log tbody tr").length`
	const toEnd = `(document.scrollingElement.scrollHeight - innerHeight - document.scrollingElement.scrollTop)`
	s.says <- 100
	b.until(lines + " > 100")
	eval[bool](b, `document.documentElement.style.scrollBehavior = "auto", scrollTo(0, document.scrollingElement.scrollHeight), true`)
	s.says <- 50
	b.until(lines + " > 150")
	if rest := eval[float64](b, toEnd); rest > 60 {
		t.Errorf("the end of the log is %g pixels below", rest)
	}
	eval[bool](b, "scrollTo(0, 200), true")
	s.says <- 50
	b.until(lines + " > 200")
	if top := eval[float64](b, "document.scrollingElement.scrollTop"); top != 200 {
		t.Errorf("the page has moved from 200 to %g while somebody read further up", top)
	}
}

// TestTickAndRetry, as a person does it, and with the keyboard alone.
func TestTickAndRetry(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	b.open(root + "jobs/?q=status:failed")
	if !eval[bool](b, `[...document.querySelectorAll(".bulk button")].every((button) => button.disabled)`) {
		t.Error("buttons work while nothing is ticked")
	}
	b.run(chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
	b.until(`document.querySelectorAll("input[name=id]:checked").length === 1`)
	b.click(`button[formaction$="actions/retry"]`)
	b.until(`document.querySelector("#notice")?.textContent === "Retried 1 job."`)
	if status := s.status(t, s.ids[later.StatusFailed]); status != later.StatusPending {
		t.Errorf("the job is %s", status)
	}
	if address := eval[string](b, "location.href"); strings.Contains(address, "notice") || !strings.Contains(address, "status") {
		t.Errorf("the address is %s", address)
	}
}

// TestDeletingAsks before it does, on a page that changes nothing under the hands of whoever
// reads it, and can be undone.
func TestDeletingAsks(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	id := s.ids[later.StatusFailed]
	b.open(root + "jobs/" + strconv.FormatInt(id, 10))
	b.click(`button[formaction$="actions/delete"]`)
	b.until(`document.querySelector("#confirm h1")?.innerText === "Delete 1 job?"`)
	if !eval[bool](b, `"still" in document.documentElement.dataset && !document.querySelector("[data-live-toggle]").checkVisibility()`) {
		t.Error("the page that asks may change while somebody reads it")
	}
	if s.status(t, id) != later.StatusFailed {
		t.Error("the job is gone before somebody has said yes")
	}
	eval[bool](b, `document.querySelector("#confirm button.danger").click(), true`)
	b.until(`document.querySelector('button[formaction$="actions/undo-operation"]')`)
	b.click(`button[formaction$="actions/undo-operation"]`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if job, err := s.queue.Get(t.Context(), id); err == nil && job.Status == later.StatusFailed {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("it does not come back: %v", err)
		}
	}
}

// TestNothingStrangeRuns: every page that shows what strangers have written is opened
// and lived in for a moment.
func TestNothingStrangeRuns(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	s.running(t)
	root := s.serve(t, guarded(dashboard.Admin), dashboard.Environment(hostile))
	for _, path := range []string{"", "jobs/", "queues/", "types/", "processes/", "jobs/" + strconv.FormatInt(s.ids["panicked"], 10)} {
		b.open(root + path)
		if n := eval[int](b, `document.querySelectorAll("evil, img, body script").length`); n > 0 {
			t.Errorf("/%s has %d elements that a stranger has made", path, n)
		}
		if wide := eval[bool](b, "document.documentElement.scrollWidth > innerWidth"); wide {
			t.Errorf("/%s is wider than the window", path)
		}
	}
	b.run(chromedp.EmulateViewport(320, 640))
	for _, path := range []string{"", "jobs/", "jobs/" + strconv.FormatInt(s.ids["panicked"], 10)} {
		b.open(root + path)
		if wide := eval[int](b, "document.documentElement.scrollWidth"); wide > 320 {
			t.Errorf("/%s is %d pixels wide on a phone of 320: %s", path, wide, eval[string](b,
				`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > 320 && !e.closest(".wide, nav")).map((e) => e.outerHTML.slice(0, 90)).join("\n")`))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.dialogs) > 0 {
		t.Errorf("dialogs: %q", b.dialogs)
	}
}

// TestErrorsByKeyboard: from the first page to what fails most, and all of it runs again.
// Nothing is clicked.
func TestErrorsByKeyboard(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	failed, err := s.queue.Get(t.Context(), s.ids[later.StatusFailed])
	if err != nil || failed.Cause == 0 {
		t.Fatalf("%+v, %v", failed, err)
	}
	press := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			b.run(chromedp.KeyEvent(key))
		}
	}
	b.open(root)
	b.until(`document.title.startsWith("(") && /icon-\d/.test(document.querySelector("link[rel=icon]").href)`)
	// A page listens to keys once it is complete.
	press("g", "e")
	b.until(`location.pathname.endsWith("/errors/")`)
	row := "document.querySelector(" + quoted("#c"+failed.Cause.String()) + ")"
	for range 9 { // the order is that of when they were met
		press("j")
		if eval[bool](b, row+".classList.contains('current')") {
			break
		}
	}
	press(kb.Enter)
	b.until(`location.pathname.endsWith(` + quoted("/errors/"+failed.Cause.String()) + `)`)
	press("r")
	b.until(`document.querySelector("#confirm h1")?.innerText.startsWith("Retry") && document.activeElement.name === "reason"`)
	press("w", "h", "y", kb.Enter)
	b.until(`/ops\/\d+$/.test(location.pathname)`)
	made, err := s.queue.Operations(t.Context(), later.OperationFilter{})
	if err != nil || len(made) != 1 || made[0].Filter.Cause != failed.Cause || made[0].Reason != "why" {
		t.Errorf("%+v, %v", made, err)
	}
}
