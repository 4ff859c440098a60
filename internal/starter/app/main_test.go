package main

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

func TestGreet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the five seconds pass in no time
		queue := latertest.New(t, later.Config{}, Greet.Do(greet))
		if answer := post(queue, "Ada"); answer.Code != 303 {
			t.Fatal(answer.Code, answer.Body)
		}
		latertest.Enqueued(t, queue, Greet, latertest.Args(GreetArgs{Name: "Ada"}))
		latertest.Drain(t, queue)
		job := latertest.Performed(t, queue, Greet, latertest.Times(1))[0]
		if job.Status != later.StatusCompleted {
			t.Errorf("%s: %s", job.Status, job.Error)
		}
	})
}

func TestGreetNeedsAName(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	if answer := post(queue, ""); answer.Code != 400 || !strings.Contains(answer.Body.String(), "/name") {
		t.Error(answer.Code, answer.Body)
	}
	latertest.NotEnqueued(t, queue, Greet)
}

func post(queue *later.JobQueue, name string) *httptest.ResponseRecorder {
	request := httptest.NewRequest("POST", "/", strings.NewReader(url.Values{"name": {name}}.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	pages(queue).ServeHTTP(answer, request)
	return answer
}
