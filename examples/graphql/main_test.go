package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServer asks the whole program over HTTP, as a browser would: it signs up, waits for
// the mail, watches a long job and cancels it.
func TestServer(t *testing.T) {
	mails := make(chan string, 10)
	inbox, err := openInbox(func(to, mail string) { mails <- to + "\n" + mail })
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	api := started(t, inbox.Address)

	began := time.Now()
	var signUp struct {
		SignUp struct {
			UserID string
			Job    struct{ ID, Type, Status string }
		}
	}
	const mutation = `mutation { signUp(name: "Ada", email: "ada@example.com") { userID job { id type status } } }`
	api.ask(t, mutation, &signUp)
	if job := signUp.SignUp.Job; signUp.SignUp.UserID != "1" || job.Type != "WelcomeEmailJob" || job.Status != "PENDING" {
		t.Errorf("signed up: %+v", signUp)
	}
	select {
	case mail := <-mails:
		if !strings.HasPrefix(mail, "ada@example.com\n") || !strings.Contains(mail, "Subject: Welcome, Ada") {
			t.Errorf("mail: %q", mail)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no mail")
	}
	if took := time.Since(began); took < 900*time.Millisecond { // it began just after Start
		t.Errorf("the queue began %v after GraphQL; want a second", took)
	}
	if _, problem := api.post(t, mutation); !strings.Contains(problem, "UNIQUE") {
		t.Errorf("a second user with the address: %q", problem)
	}

	var long struct{ ProcessTable struct{ ID string } }
	api.ask(t, `mutation { processTable(table: "orders", records: 1000000) { id } }`, &long)
	id := long.ProcessTable.ID
	if id != "2" { // the transaction that was rolled back left no job
		t.Errorf("id %s", id)
	}
	steps, cancelled := 0, false
	var last progress
	for last = range api.watch(t, id) {
		if last.Status == "RUNNING" && last.Done > 0 && last.Total == 1000000 {
			steps++
		}
		if steps == 2 && !cancelled {
			cancelled = true
			api.ask(t, fmt.Sprintf(`mutation { cancelJob(id: %s, reason: "a test") { id } }`, id), nil)
		}
	}
	if steps < 2 || last.Status != "CANCELLED" {
		t.Errorf("%d steps, then %+v", steps, last)
	}

	var none struct{ Job *struct{ ID string } }
	if api.ask(t, `{ job(id: 99) { id } }`, &none); none.Job != nil {
		t.Errorf("job 99: %+v", none.Job)
	}
	if _, problem := api.post(t, `{ job(id: "x") { id } }`); !strings.Contains(problem, "not the id of a job") {
		t.Errorf("job x: %q", problem)
	}
}

// client asks the server.
type client string

// started runs the program until the end of the test.
func started(t *testing.T, smtpAddress string) client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	path := filepath.Join(t.TempDir(), "app.db")
	go func() { ended <- run(ctx, path, smtpAddress, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client("http://" + listener.Addr().String() + "/graphql")
}

// ask decodes the data of an answer, which must have no errors.
func (c client) ask(t *testing.T, query string, into any) {
	t.Helper()
	data, problem := c.post(t, query)
	if problem != "" {
		t.Fatalf("%s: %s", query, problem)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
}

func (c client) post(t *testing.T, query string) (data json.RawMessage, problem string) {
	t.Helper()
	response, err := http.Post(string(c), "application/json", body(query))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.Errors {
		problem += e.Message
	}
	return answer.Data, problem
}

func body(query string) *bytes.Reader {
	text, _ := json.Marshal(map[string]string{"query": query})
	return bytes.NewReader(text)
}

type progress struct {
	Status      string
	Done, Total int
}

// watch subscribes to a job by server-sent events.
func (c client) watch(t *testing.T, id string) <-chan progress {
	t.Helper()
	query := fmt.Sprintf("subscription { progress(id: %s) { status done total } }", id)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, string(c), body(query))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan progress)
	go func() {
		defer close(told)
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			text, isData := strings.CutPrefix(lines.Text(), "data: ")
			var event struct{ Data struct{ Progress progress } }
			if isData && json.Unmarshal([]byte(text), &event) == nil && event.Data.Progress.Status != "" {
				told <- event.Data.Progress
			}
		}
	}()
	return told
}
