package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

func TestGreet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the ten seconds pass in no time
		queue := latertest.New(t, later.Config{}, Greet.Do(greet))
		answer := httptest.NewRecorder()
		pages(queue).ServeHTTP(answer, httptest.NewRequest("POST", "/greet?name=Ada", nil))
		if answer.Body.String() != "job 1 is pending\n" {
			t.Fatal(answer.Body)
		}
		latertest.Drain(t, queue)
		job := latertest.Performed(t, queue, Greet, latertest.Args(GreetArgs{Name: "Ada"}))[0]
		if job.Status != later.StatusCompleted {
			t.Errorf("%s: %s", job.Status, job.Error)
		}
	})
}

func TestGreetNeedsAName(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	answer := httptest.NewRecorder()
	pages(queue).ServeHTTP(answer, httptest.NewRequest("POST", "/greet", nil))
	if answer.Code != 400 || !strings.Contains(answer.Body.String(), "/name is required") {
		t.Error(answer.Code, answer.Body)
	}
	latertest.NotEnqueued(t, queue, Greet)
}
