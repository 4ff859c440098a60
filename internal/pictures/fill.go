package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/cause"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// kind is a type of jobs in the shop.
type kind struct {
	name, queue, about string
	perMinute, fails   int // of a hundred attempts
	takes              time.Duration
	schema, args       string
	errors             []string
}

var kinds = []kind{
	{"WebhookJob", "webhooks", "Tells a customer's server what has happened", 42, 9, 310 * time.Millisecond,
		`{"type":"object","properties":{"url":{"type":"string","format":"uri"},"event":{"type":"string","enum":["order.paid","order.refunded"]},"order_id":{"type":"integer","minimum":1}},"required":["url","event","order_id"]}`,
		`{"url":"https://shop.example/hooks","event":"order.paid","order_id":%d}`,
		[]string{"post https://shop.example/hooks: dial tcp 10.0.0.7:443: i/o timeout", "post https://shop.example/hooks: 503 Service Unavailable"}},
	{"WelcomeEmailJob", "mailers", "Greets a new user", 26, 1, 120 * time.Millisecond,
		`{"type":"object","properties":{"name":{"type":"string"},"email":{"type":"string","format":"email"}},"required":["name","email"]}`,
		`{"name":"Ada","email":"ada%d@example.com"}`, []string{"451 4.3.0 busy, come back later"}},
	{"ThumbnailJob", "media", "Makes a small picture of a large one", 31, 2, 1900 * time.Millisecond,
		`{"type":"object","properties":{"image":{"type":"string"},"width":{"type":"integer","minimum":16}},"required":["image"]}`,
		`{"image":"product-%d.jpg","width":320}`, []string{"decode: unexpected EOF"}},
	{"InvoiceJob", "default", "Prints an invoice", 12, 3, 640 * time.Millisecond,
		`{"type":"object","properties":{"order_id":{"type":"integer","minimum":1}},"required":["order_id"]}`, `{"order_id":%d}`,
		[]string{"invoice: the order has no lines"}},
	{"ReportJob", "reports", "Adds up a month", 2, 0, 21 * time.Second,
		`{"type":"object","properties":{"month":{"type":"string"}},"required":["month"]}`, `{"month":"2026-%02d"}`, nil},
}

// shop fills a store: the same every time, but for the clock.
type shop struct {
	ctx   context.Context
	store *sqlite.Store
	queue *later.JobQueue
	now   time.Time
	rand  *rand.Rand
	token int64
}

const (
	web1 = 811_203
	web2 = 811_204
)

// fill does, and says where what the pictures show is.
func fill(ctx context.Context, on *sqlite.Store, now time.Time) (*strings.Replacer, error) {
	ctx = later.By(ctx, "ana", later.FromDashboard)
	s := &shop{ctx: ctx, store: on, queue: later.New(on, later.Config{Logger: slog.New(slog.DiscardHandler)}), now: now, rand: rand.New(rand.NewPCG(4, 2))}
	if err := errors.Join(s.processes(), s.history(), s.schedules(), s.waiting()); err != nil {
		return nil, err
	}
	for range 60 {
		for i := range kinds[:4] {
			if err := s.done(&kinds[i], time.Duration(s.rand.IntN(1800))*time.Second); err != nil {
				return nil, err
			}
		}
	}
	failed, err := s.failing(&kinds[0], store.Fail)
	if err != nil {
		return nil, err
	}
	for i := range 7 {
		if _, err := s.failing(&kinds[[]int{0, 3, 0, 0, 2, 3, 0}[i]], []store.OutcomeKind{store.Fail, store.Fail, store.Retry, store.Retry, store.Fail, store.Fail, store.Retry}[i]); err != nil {
			return nil, err
		}
	}
	running, err := s.present()
	if err != nil {
		return nil, err
	}
	job, err := s.queue.Get(ctx, failed)
	if err != nil {
		return nil, err
	}
	operation, err := s.queue.Operate(ctx, later.Operation{Action: later.OperationReschedule, Filter: later.Filter{Status: []later.JobStatus{later.StatusScheduled}},
		At: s.now.Add(8 * time.Hour), Reason: "the mail server moves"})
	if err != nil {
		return nil, err
	}
	request, err := s.asked(running)
	if err != nil {
		return nil, err
	}
	words := []string{"{failed}", strconv.FormatInt(failed, 10), "{running}", strconv.FormatInt(running, 10),
		"{cause}", job.Cause.String(), "{request}", strconv.FormatInt(request, 10), "{operation}", strconv.FormatInt(operation.ID, 10)}
	for _, status := range []later.JobStatus{later.StatusCompleted, later.StatusScheduled, later.StatusRetrying, later.StatusPending} {
		jobs, err := s.queue.List(ctx, later.Filter{Status: []later.JobStatus{status}, Limit: 1})
		if err != nil {
			return nil, err
		}
		words = append(words, "{"+string(status)+"}", strconv.FormatInt(jobs[0].ID, 10))
	}
	return strings.NewReplacer(words...), nil
}

func (s *shop) processes() error {
	var types []store.JobType
	var performs []string
	for _, k := range kinds {
		performs = append(performs, k.name)
		types = append(types, store.JobType{Name: k.name, Description: k.about, Queue: k.queue, MaxRetries: 5, Timeout: 30 * time.Second,
			Schema: json.RawMessage(k.schema), SeenAt: s.now.Add(-26 * time.Hour)})
	}
	slots := map[string]int{"default": 6, "mailers": 4, "webhooks": 8, "media": 4, "reports": 1}
	for id, host := range map[int64]string{web1: "web-1", web2: "web-2"} {
		p := store.Process{ID: id, State: store.ProcessRunning, Host: host, PID: int(id % 9000), Version: "v1.43", StartedAt: s.now.Add(-22 * time.Minute),
			BeatAt: s.now, Queues: slots, Slots: 23, Types: types, Performs: performs}
		if err := s.store.Join(s.ctx, p, s.now); err != nil {
			return err
		}
	}
	return nil
}

// history is what charts are drawn from.
func (s *shop) history() error {
	var rollups []store.Rollup
	for age := 61; age > 0; age-- {
		at := s.now.Add(-time.Duration(age) * time.Minute).Truncate(time.Minute)
		for _, k := range kinds {
			r := store.Rollup{At: at, Span: time.Minute, Queue: k.queue, Type: k.name}
			n := k.perMinute*(70+s.rand.IntN(60))/100 + (61-age)*k.perMinute/90
			for range n {
				took := time.Duration(float64(k.takes) * (0.4 + s.rand.ExpFloat64()*0.6))
				r.Run.Observe(took)
				r.Wait.Observe(time.Duration(s.rand.ExpFloat64() * float64(90*time.Millisecond)))
				fails := k.fails
				if k.name == "WebhookJob" && age < 18 && age > 7 {
					fails *= 4
				}
				switch x := s.rand.IntN(100); {
				case x*4 < fails:
					r.Failed++
				case x < fails:
					r.Retried++
				default:
					r.Completed++
				}
			}
			rollups = append(rollups, r)
		}
	}
	return errors.Join(s.store.Rollup(s.ctx, rollups, s.now), s.errors())
}

// errors is how often attempts have failed of what in the last day.
func (s *shop) errors() error {
	var causes []store.Cause
	for _, k := range kinds {
		for i, text := range k.errors {
			c := cause.Of(cause.Failure{Type: k.name, Err: errors.New(text)})
			c.FirstSeen, c.LastSeen = s.now.Add(-time.Duration(30+40*i)*time.Hour), s.now.Add(-time.Duration(k.takes))
			for age := range 144 {
				n := int64(s.rand.IntN(1 + k.perMinute*k.fails/(40+20*i)))
				if i == 0 && age < 4 {
					n += int64(k.perMinute * k.fails / 20)
				}
				if n > 0 {
					c.Counts = append(c.Counts, store.CauseCount{At: s.now.Add(-time.Duration(age) * store.CauseSpan).Truncate(store.CauseSpan), Failures: n})
					c.Total += n
				}
			}
			causes = append(causes, c)
		}
	}
	return s.store.RecordCauses(s.ctx, causes, s.now)
}

func (s *shop) schedules() error {
	hook := later.Define[map[string]any]("WebhookJob", later.Queue("webhooks"))
	report := later.Define[map[string]any]("ReportJob", later.Queue("reports"))
	sync := hook.With(map[string]any{"url": "https://erp.example/orders", "event": "order.paid", "order_id": 1})
	month := report.With(map[string]any{"month": "2026-11"})
	for age := 30; age > 0; age-- {
		ago := time.Duration(age) * 5 * time.Minute
		job := store.NewJob{Type: "WebhookJob", Queue: "webhooks", Args: json.RawMessage(fmt.Sprintf(kinds[0].args, 1)), MaxRetries: 5,
			Options: &store.Options{Schedule: "sync-orders", Tick: s.now.Add(-ago)}}
		if _, err := s.store.Enqueue(s.ctx, []store.NewJob{job}, s.now.Add(-ago)); err != nil {
			return err
		}
		claimed, err := s.claim(&kinds[0], ago-time.Second)
		if err != nil {
			return err
		}
		kind, text := store.Complete, ""
		if age == 9 || age == 17 {
			kind, text = store.Fail, kinds[0].errors[0]
		}
		if err := s.finish(claimed, kind, ago-time.Second, time.Second, text, "", 0); err != nil {
			return err
		}
	}
	return errors.Join(
		s.queue.SaveSchedule(s.ctx, "sync-orders", later.Every("5m"), sync),
		s.queue.SaveSchedule(s.ctx, "nightly-report", later.Cron("30 2 * * *", "Europe/Berlin"), month),
		s.queue.SaveSchedule(s.ctx, "weekday-digest", later.Cron("0 9 * * MON-FRI", "Europe/Berlin"), month),
		s.queue.SaveSchedule(s.ctx, "month-end", later.Cron("0 6 L * *", "America/New_York"), month),
		s.queue.SaveSchedule(s.ctx, "price-import", later.Cron("*/15 * * * *", ""), sync),
		s.queue.PauseSchedule(s.ctx, "price-import", "the supplier moves"),
		s.ticked(map[string]time.Duration{"sync-orders": 5 * time.Minute, "nightly-report": 9 * time.Hour, "weekday-digest": 22 * time.Hour, "month-end": 28 * 24 * time.Hour}),
	)
}

// ticked says when schedules were kept last.
func (s *shop) ticked(ago map[string]time.Duration) error {
	schedules, err := s.store.Schedules(s.ctx, store.ScheduleFilter{})
	if err != nil {
		return err
	}
	var ticks []store.Tick
	for _, one := range schedules {
		if span, kept := ago[one.Name]; kept {
			one.LastTick = s.now.Add(-span).Truncate(time.Minute)
			ticks = append(ticks, store.Tick{Schedule: one})
		}
	}
	_, err = s.store.Tick(s.ctx, ticks, s.now, nil)
	return err
}

// enqueue stores a job of a kind as it was some time ago.
func (s *shop) enqueue(k *kind, ago time.Duration) (int64, error) {
	number := 48_000 + s.rand.IntN(900)
	if strings.Contains(k.args, "%02d") {
		number = 1 + s.rand.IntN(12)
	}
	users := []string{"ada", "grace", "alan", "edsger", "barbara"}
	job := store.NewJob{Type: k.name, Queue: k.queue, Args: json.RawMessage(fmt.Sprintf(k.args, number)), MaxRetries: 5, Timeout: 30 * time.Second,
		UserID: users[s.rand.IntN(len(users))], TargetID: fmt.Sprintf("order/%d", number)}
	if s.rand.IntN(7) == 0 {
		job.Tags = []string{"vip"}
	}
	stored, err := s.store.Enqueue(s.ctx, []store.NewJob{job}, s.now.Add(-ago))
	if err != nil {
		return 0, err
	}
	return stored[0].ID, nil
}

// claim takes the job that waits in the queue of a kind.
func (s *shop) claim(k *kind, ago time.Duration) (store.Job, error) {
	s.token++
	process := int64(web1 + s.rand.IntN(2))
	jobs, err := s.store.Claim(s.ctx, store.Demand{ProcessID: process, Token: s.token, Types: []string{k.name}, Queues: map[string]int{k.queue: 1}, Limit: 1}, s.now.Add(-ago))
	if err == nil && len(jobs) == 0 {
		err = fmt.Errorf("no %s to claim", k.name)
	}
	if err != nil {
		return store.Job{}, err
	}
	return jobs[0], nil
}

func (s *shop) finish(job store.Job, kind store.OutcomeKind, began, took time.Duration, text, stack string, next time.Duration) error {
	o := store.Outcome{JobID: job.ID, Token: job.Token, Kind: kind, Error: text, Stack: stack, StartedAt: s.now.Add(-began), FinishedAt: s.now.Add(took - began)}
	if kind == store.Retry {
		o.RunAt = s.now.Add(next)
	}
	if text != "" {
		c := cause.Of(cause.Failure{Type: job.Type, Err: errors.New(text)})
		c.FirstSeen, c.LastSeen, c.Total = o.FinishedAt, o.FinishedAt, 1
		o.Cause = c.ID
		if err := s.store.RecordCauses(s.ctx, []store.Cause{c}, s.now); err != nil {
			return err
		}
	}
	_, err := s.store.Finish(s.ctx, []store.Outcome{o}, s.now.Add(took-began))
	return err
}

func (s *shop) done(k *kind, ago time.Duration) error {
	if _, err := s.enqueue(k, ago+200*time.Millisecond); err != nil {
		return err
	}
	job, err := s.claim(k, ago)
	if err != nil {
		return err
	}
	took := time.Duration(float64(k.takes) * (0.4 + s.rand.ExpFloat64()*0.6))
	return s.finish(job, store.Complete, ago, min(took, ago), "", "", 0)
}

// failing is a job that has failed four times, and then once more.
func (s *shop) failing(k *kind, end store.OutcomeKind) (int64, error) {
	ago := time.Duration(400+s.rand.IntN(700)) * time.Second
	id, err := s.enqueue(k, ago)
	if err != nil {
		return 0, err
	}
	text := k.errors[s.rand.IntN(len(k.errors))]
	attempts := 4
	for i := range attempts {
		began := ago - time.Duration(1<<(2*i))*4*time.Second/3
		if i == attempts-1 {
			began = min(began, 90*time.Second)
		}
		if i > 0 {
			if _, err := s.store.Promote(s.ctx, 10, s.now.Add(-began)); err != nil {
				return 0, err
			}
		}
		job, err := s.claim(k, began)
		if err != nil {
			return 0, err
		}
		kind, next := store.Retry, -began+3*time.Second
		if i == attempts-1 {
			kind, next = end, 4*time.Minute
		}
		if err := errors.Join(s.logs(job, began, text), s.finish(job, kind, began, 2*time.Second, text, "", next)); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func (s *shop) logs(job store.Job, ago time.Duration, text string) error {
	at := s.now.Add(-ago)
	return s.store.Report(s.ctx, []store.Report{{JobID: job.ID, Token: job.Token, Lines: []store.LogLine{
		{Attempt: job.Attempt, At: at, Level: "INFO", Message: "started", Attrs: json.RawMessage(fmt.Sprintf(`{"try":%d}`, job.Attempt))},
		{Attempt: job.Attempt, At: at.Add(2 * time.Second), Level: "WARN", Message: text},
	}}}, at)
}

// present is what waits and runs now.
func (s *shop) present() (running int64, err error) {
	var problems []error
	enqueue := func(k kind, ago time.Duration) { _, err := s.enqueue(&k, ago); problems = append(problems, err) }
	for i := range 5 {
		enqueue(kinds[2], 40*time.Second)
		job, err := s.claim(&kinds[2], time.Duration(2+i)*time.Second)
		problems = append(problems, err)
		if err == nil {
			problems = append(problems, s.store.Report(s.ctx, []store.Report{{JobID: job.ID, Token: job.Token,
				Progress: &store.Progress{Done: int64(2 + i), Total: 8, Message: "scaling", At: s.now}}}, s.now))
		}
		running = job.ID
	}
	for i := range 5 {
		enqueue(kinds[i%2], time.Duration(i)*300*time.Millisecond)
	}
	return running, errors.Join(append(problems, s.queue.Pause(s.ctx, "reports", "month end is being checked"))...)
}

// waiting is what nobody can start yet, or at all.
func (s *shop) waiting() error {
	var problems []error
	export := kinds[4]
	export.name, export.queue, export.args = "ExportJob", "archive", `{"since":"2026-%02d"}`
	for range 3 {
		_, err := s.enqueue(&export, 12*time.Minute)
		problems = append(problems, err)
	}
	late := store.NewJob{Type: "WelcomeEmailJob", Queue: "mailers", Args: json.RawMessage(`{"name":"Grace","email":"grace@example.com"}`), MaxRetries: 5, RunAt: s.now.Add(9 * time.Hour)}
	_, err := s.store.Enqueue(s.ctx, []store.NewJob{late, late, late}, s.now.Add(-time.Hour))
	return errors.Join(append(problems, err)...)
}

// asked is what somebody has asked of the process that runs a job, with its answer.
func (s *shop) asked(job int64) (int64, error) {
	const id = 4_611_203
	running, err := s.queue.Get(s.ctx, job)
	if err != nil {
		return 0, err
	}
	request := store.Request{ID: id, ProcessID: running.ProcessID, Kind: store.RequestStack, JobID: job, By: "ana", AskedAt: s.now}
	return id, errors.Join(s.store.Ask(s.ctx, request, s.now), s.store.Answer(s.ctx, id, strings.TrimSpace(scaling), s.now))
}

// scaling is where a job is that makes a small picture of a large one.
const scaling = `
goroutine 4127 [running]:
golang.org/x/image/draw.(*kernelScaler).scaleX(0xc0004b6000, {0xc000a10000, 0x9c40})
	/go/pkg/mod/golang.org/x/image@v0.33.0/draw/impl.go:6640 +0x1c1
golang.org/x/image/draw.(*kernelScaler).Scale(0xc0004b6000, {0x9f1c58, 0xc0001b2140})
	/go/pkg/mod/golang.org/x/image@v0.33.0/draw/scale.go:301 +0x2bf
shop.example/media.thumbnail({0xc0000a2348, 0x12}, 0x140)
	/srv/shop/media/thumbnail.go:57 +0x150
shop.example/media.Register.func1({0x9f2a08, 0xc0001b2140}, {{0xc0000a2348, 0x12}, 0x140})
	/srv/shop/media/jobs.go:31 +0x88
`
