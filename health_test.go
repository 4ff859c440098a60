package later_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// ailing is a store that can be made ill.
type ailing struct {
	*sqlite.Store
	unreachable, hangs, deaf atomic.Bool
	alarm                    atomic.Pointer[string]
	ahead                    atomic.Int64 // of its clock, nanoseconds
	counts                   atomic.Int64 // how often it was asked for
	slow                     atomic.Int64 // how long that takes, nanoseconds
}

func (a *ailing) Stats(ctx context.Context) (store.Stats, error) {
	a.counts.Add(1)
	time.Sleep(time.Duration(a.slow.Load()))
	if a.hangs.Load() {
		<-ctx.Done()
		return store.Stats{}, ctx.Err()
	}
	if a.unreachable.Load() {
		return store.Stats{}, &secretError{}
	}
	return a.Store.Stats(ctx)
}

type secretError struct{}

func (*secretError) Error() string { return "dial postgres://ada:" + secret + "@db" }
func (*secretError) Unwrap() error { return store.ErrUnavailable }

func (a *ailing) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	if a.deaf.Load() {
		return store.Beaten{}, store.ErrUnavailable
	}
	return a.Store.Beat(ctx, h, now)
}

func (a *ailing) Alarm() string {
	if text := a.alarm.Load(); text != nil {
		return *text
	}
	return ""
}

func (a *ailing) Now() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

// ask asks a handler and decodes what it says.
func ask(t *testing.T, h http.Handler, target string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	if strings.Contains(w.Body.String(), secret) {
		t.Errorf("the answer tells a secret: %s", w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: %v", w.Body, err)
	}
	return w.Code
}

// wantHealth waits out what is remembered, and compares the codes of the reasons.
func wantHealth(t *testing.T, queue *later.JobQueue, code int, want string) later.Health {
	t.Helper()
	time.Sleep(2 * time.Second)
	var h later.Health
	if got := ask(t, queue.HealthHandler(), "/", &h); got != code || h.OK != (code == http.StatusOK) {
		t.Errorf("answered %d, OK %v, want %d", got, h.OK, code)
	}
	var codes []string
	for _, reason := range h.Reasons {
		codes = append(codes, reason.Code)
	}
	if got := strings.Join(codes, " "); got != want {
		t.Errorf("reasons %q, want %q: %+v", got, want, h.Reasons)
	}
	return h
}

func TestHealth(t *testing.T) {
	file := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		ill := &ailing{Store: open(t, file)}
		release := make(chan struct{})
		number := later.Define[numberArgs]("NumberJob", later.Timeout(0))
		queue := queueOn(t, ill, later.Config{Concurrency: 1}, number.Do(func(ctx context.Context, args numberArgs) error {
			<-release
			return nil
		}))
		if h := wantHealth(t, queue, 200, ""); h.Working {
			t.Error("it has not been started")
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h := wantHealth(t, queue, 200, ""); !h.Working {
			t.Error("it has been started")
		}

		ill.unreachable.Store(true)
		wantHealth(t, queue, 503, "store_unreachable")
		ill.unreachable.Store(false)
		ill.hangs.Store(true)
		wantHealth(t, queue, 503, "store_unreachable")
		ill.hangs.Store(false)
		time.Sleep(18 * time.Second) // the count that hangs ends after ten seconds and is remembered for ten
		wantHealth(t, queue, 200, "")

		ill.deaf.Store(true)
		time.Sleep(7500 * time.Millisecond)
		wantHealth(t, queue, 503, "no_beat")
		time.Sleep(4 * time.Second)
		wantHealth(t, queue, 503, "fenced")
		ill.deaf.Store(false)
		time.Sleep(5 * time.Second)
		wantHealth(t, queue, 200, "")

		text := "the file grows"
		ill.alarm.Store(&text)
		ill.ahead.Store(int64(-time.Minute))
		wantHealth(t, queue, 200, "store_alarm clock")
		ill.alarm.Store(nil)
		ill.ahead.Store(0)

		// One job runs and one waits behind it: that is work as usual. In a queue of which
		// nothing runs it is not.
		enqueue(t, number, queue, numberArgs{1})
		enqueue(t, number, queue, numberArgs{2})
		enqueue(t, number, queue, numberArgs{3}, later.Queue("other"))
		wantHealth(t, queue, 200, "")
		time.Sleep(time.Minute)
		wantHealth(t, queue, 200, "not_claimed")
		if err := queue.Pause(t.Context(), "other", "for now"); err != nil {
			t.Fatal(err)
		}
		wantHealth(t, queue, 200, "paused")
		close(release)
		stop(t, queue)
	})
}

func TestLatency(t *testing.T) {
	file := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		ill := &ailing{Store: open(t, file)}
		queue := queueOn(t, ill, later.Config{})
		number := later.Define[numberArgs]("NumberJob")
		enqueue(t, number, queue, numberArgs{1}, later.Queue("slow"))
		enqueue(t, number, queue, numberArgs{1}, later.Queue("stands"))
		time.Sleep(time.Minute)
		enqueue(t, number, queue, numberArgs{2})
		enqueue(t, number, queue, numberArgs{3})
		if err := queue.Pause(t.Context(), "stands", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		type one struct {
			Seconds float64 `json:"latency_seconds"`
			Pending int64   `json:"pending"`
			Paused  bool    `json:"paused"`
		}
		for target, want := range map[string]map[string]one{
			"/":                           {"": {70, 3, false}, "slow": {70, 1, false}, "default": {10, 2, false}, "stands": {70, 1, true}},
			"/?queue=default":             {"": {10, 2, false}, "default": {10, 2, false}},
			"/?queue=default&queue=empty": {"": {10, 2, false}, "default": {10, 2, false}, "empty": {}},
			"/?queue=stands":              {"": {}, "stands": {70, 1, true}},
		} {
			var got struct {
				one
				Queues map[string]one `json:"queues"`
			}
			if code := ask(t, queue.LatencyHandler(), target, &got); code != 200 || got.one != want[""] || len(got.Queues) != len(want)-1 {
				t.Errorf("%s: %d, %+v", target, code, got)
			}
			for name, queue := range got.Queues {
				if queue != want[name] {
					t.Errorf("%s: %s is %+v, want %+v", target, name, queue, want[name])
				}
			}
		}
		ill.unreachable.Store(true)
		time.Sleep(time.Minute)
		var refusal map[string]string
		if code := ask(t, queue.LatencyHandler(), "/", &refusal); code != 503 || refusal["error"] == "" {
			t.Errorf("unreachable: %d, %v", code, refusal)
		}
	})
}

// TestRecentStatsBoundsItsCost: whoever asks, and however long it takes to count.
func TestRecentStatsBoundsItsCost(t *testing.T) {
	file := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		ill := &ailing{Store: open(t, file)}
		queue := queueOn(t, ill, later.Config{})
		askFor := func(d time.Duration) (asked int64) {
			before := ill.counts.Load()
			for range int(d / (100 * time.Millisecond)) {
				for range 3 {
					go queue.RecentStats(t.Context())
				}
				time.Sleep(100 * time.Millisecond)
			}
			return ill.counts.Load() - before
		}
		if asked := askFor(10 * time.Second); asked < 9 || asked > 11 {
			t.Errorf("counted %d times in ten seconds", asked)
		}
		ill.slow.Store(int64(3 * time.Second))
		if asked := askFor(10 * time.Minute); asked < 9 || asked > 11 {
			t.Errorf("counted %d times in ten minutes, for three seconds each", asked)
		}
		time.Sleep(time.Minute)
	})
}

// TestObserve: claims, batches of outcomes, what came too late, and recovered jobs.
func TestObserve(t *testing.T) {
	s := open(t, tempFile(t))
	number := later.Define[numberArgs]("NumberJob", later.NotRetryable())
	var outcomes record[later.StoredOutcome]
	var claims record[int]
	var recovered record[store.Recovered]
	queue := queueOn(t, s, later.Config{}, number.Do(func(ctx context.Context, args numberArgs) error {
		switch args.N {
		case 1:
			return later.Postpone(time.Hour, "not now")
		case 2:
			panic("2")
		case 3: // somebody else takes over
			processes, err := s.Processes(ctx)
			if err != nil {
				return err
			}
			_, err = s.Recover(ctx, []store.Silent{{ProcessID: processes[0].ID, Beat: processes[0].Beat}}, time.Time{})
			return err
		}
		return nil
	}))
	stopObserving := queue.Observe(later.Observer{
		Claimed:   func(jobs int, _ time.Duration) { claims.add(jobs) },
		Recovered: func(jobs []store.Recovered) { recovered.add(jobs[0]) },
		Stored: func(stored []later.StoredOutcome, took time.Duration) {
			for _, outcome := range stored {
				outcomes.add(outcome)
			}
		},
	})
	queue.Observe(later.Observer{}) // nil functions are not called
	for n := range int64(4) {
		enqueue(t, number, queue, numberArgs{n})
		if _, err := queue.Drain(t.Context()); err != nil && n != 3 {
			t.Fatal(err)
		}
	}
	all := outcomes.all()
	for i, want := range []string{"completed", "postponed", "failed", "completed"} {
		if i >= len(all) || all[i].Outcome != want || all[i].Superseded != (i == 3) || all[i].Job.Type != "NumberJob" {
			t.Fatalf("outcome %d of %+v, want %s", i, all, want)
		}
	}

	if err := s.Join(t.Context(), store.Process{ID: 77, State: store.ProcessRunning}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	doomed := enqueue(t, number, queue, numberArgs{5})
	if _, err := s.Claim(t.Context(), store.Demand{ProcessID: 77, Token: 7, Types: []string{"NumberJob"}, Limit: 10}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	update(t, s, "DELETE FROM later_process WHERE id = ?", 77) // its claims are left to nobody
	start(t, queue)
	wait(t, queue, doomed.ID)
	if got := claims.all(); len(got) == 0 {
		t.Error("no claim was observed")
	}
	if got := recovered.all(); len(got) != 1 || got[0].JobID != doomed.ID || got[0].Crashes != 1 {
		t.Errorf("recovered: %+v", got)
	}
	seen := len(outcomes.all())
	stopObserving()
	wait(t, queue, enqueue(t, number, queue, numberArgs{6}).ID)
	if more := len(outcomes.all()); more != seen {
		t.Errorf("observed %d outcomes after the end", more-seen)
	}
}
