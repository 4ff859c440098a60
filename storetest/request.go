package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var requestChecks = []check{
	{"a request comes with the next beat until it is answered", requestUntilAnswered},
	{"a request comes to its process only", requestToOne},
	{"requests come in the order that they were made in", requestOrder},
	{"a beat brings no more than MaxRequests", requestsBounded},
	{"a request that nobody answers expires", requestExpires},
	{"the first answer stays", requestFirstAnswer},
	{"an answer to nobody is dropped", requestUnknown},
	{"a process that is not known is asked nothing", requestOfStranger},
	{"an answer can be read after the process has left", requestAfterLeave},
	{"old requests are forgotten", requestForgotten},
	{"what a process performs is told", joinPerforms},
}

func request(id int64) store.Request {
	return store.Request{ID: id, ProcessID: worker, Kind: store.RequestStack, JobID: 1<<53 + 1, By: "ada \"the\" ü"}
}

func (t *trial) ask(r store.Request, now time.Time) {
	t.Helper()
	t.must("Ask", t.store.Ask(t.Context(), r, now))
}

func (t *trial) answer(id int64, text string, now time.Time) {
	t.Helper()
	t.must("Answer", t.store.Answer(t.Context(), id, text, now))
}

func (t *trial) asked(id int64) store.Request {
	t.Helper()
	r, err := t.store.Request(t.Context(), id)
	t.must("Request", err)
	return r
}

// requestIDs are those that a beat brings.
func (t *trial) requestIDs(process int64, now time.Time) (ids []int64) {
	t.Helper()
	for _, r := range t.beat(process, now).Requests {
		ids = append(ids, r.ID)
	}
	return ids
}

func requestUntilAnswered(t *trial) {
	t.join(worker, enqueuedAt)
	t.equal("requests", t.beat(worker, at(time.Second)).Requests, []store.Request{})
	want := request(1 << 62)
	t.ask(want, at(2*time.Second))
	want.AskedAt = at(2 * time.Second)
	for range 2 {
		t.equal("requests", t.beat(worker, at(3*time.Second)).Requests, []store.Request{want})
	}
	t.equal("request", t.asked(want.ID), want)
	t.answer(want.ID, "here\n\tit is: 'ü'", at(4*time.Second))
	want.Answer, want.AnsweredAt = "here\n\tit is: 'ü'", at(4*time.Second)
	t.equal("request", t.asked(want.ID), want)
	t.equal("requests afterwards", t.beat(worker, at(5*time.Second)).Requests, []store.Request{})
}

func requestToOne(t *trial) {
	t.join(worker, enqueuedAt)
	t.join(helper, enqueuedAt)
	t.ask(request(1), at(time.Second))
	t.equal("requests to another", t.requestIDs(helper, at(2*time.Second)), []int64{})
	t.equal("requests", t.requestIDs(worker, at(2*time.Second)), []int64{1})
}

func requestOrder(t *trial) {
	t.join(worker, enqueuedAt)
	for i, id := range []int64{30, 10, 20} {
		r := request(id)
		r.Kind = []store.RequestKind{store.RequestDrain, store.RequestResume, store.RequestDrain}[i]
		t.ask(r, at(time.Duration(i)*time.Second))
	}
	t.equal("requests", t.requestIDs(worker, at(4*time.Second)), []int64{30, 10, 20})
}

func requestsBounded(t *trial) {
	t.join(worker, enqueuedAt)
	for i := range store.MaxRequests + 3 {
		t.ask(request(int64(i+1)), at(time.Duration(i)*time.Second))
	}
	ids := t.requestIDs(worker, at(30*time.Second))
	t.equal("requests", len(ids), store.MaxRequests)
	t.equal("the first", ids[0], int64(1))
}

func requestExpires(t *trial) {
	t.join(worker, enqueuedAt)
	t.ask(request(1), at(0))
	t.equal("just before", t.requestIDs(worker, at(store.RequestPatience-time.Second)), []int64{1})
	t.equal("expired", t.requestIDs(worker, at(store.RequestPatience)), []int64{})
	r := t.asked(1)
	if !r.Expired(at(store.RequestPatience)) || r.Expired(at(time.Second)) {
		t.Fatalf("request %+v expires at the wrong time", r)
	}
}

func requestFirstAnswer(t *trial) {
	t.join(worker, enqueuedAt)
	t.ask(request(1), at(0))
	long := strings.Repeat("stack\n", store.MaxAnswer/6)
	t.answer(1, long, at(time.Second))
	t.answer(1, "second", at(2*time.Second))
	r := t.asked(1)
	t.equal("answer", r.Answer, long)
	t.equal("time of the answer", r.AnsweredAt, at(time.Second))
}

func requestUnknown(t *trial) {
	t.answer(404, "nobody asked", at(0))
	if _, err := t.store.Request(t.Context(), 404); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Request: %v, expected ErrNotFound", err)
	}
}

func requestOfStranger(t *trial) {
	ask := func(what string) {
		t.Helper()
		if err := t.store.Ask(t.Context(), request(1), at(0)); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("Ask of %s: %v, expected ErrNotFound", what, err)
		}
	}
	ask("a process that never was")
	t.join(worker, enqueuedAt)
	t.leave(worker)
	ask("a process that has left")
	requestUnknown(t)
}

func requestAfterLeave(t *trial) {
	t.join(worker, enqueuedAt)
	t.ask(request(1), at(0))
	t.answer(1, "drained", at(time.Second))
	t.leave(worker)
	t.equal("answer", t.asked(1).Answer, "drained")
}

func requestForgotten(t *trial) {
	t.join(worker, enqueuedAt)
	t.ask(request(1), at(0))
	t.ask(request(2), at(time.Minute))
	t.ask(request(3), at(store.RequestKept))
	if _, err := t.store.Request(t.Context(), 1); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Request: %v, expected ErrNotFound", err)
	}
	t.equal("kind of the next", t.asked(2).Kind, store.RequestStack)
}

func joinPerforms(t *trial) {
	p := aProcess(worker, enqueuedAt)
	p.Performs = []string{"A \"quoted\" name", "Mail"}
	t.must("Join", t.store.Join(t.Context(), p, enqueuedAt))
	t.equal("names", t.processes()[0].Performs, p.Performs)
}
