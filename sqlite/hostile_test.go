package sqlite_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// enqueue stores n jobs and returns their ids.
func enqueue(t testing.TB, s *sqlite.Store, n int) []int64 {
	t.Helper()
	jobs := make([]store.NewJob, n)
	for i := range jobs {
		jobs[i] = store.NewJob{Type: "MyJob", Queue: "default", Args: []byte(`{"n":1}`), Tags: []string{"a"}}
	}
	stored, err := s.Enqueue(t.Context(), jobs, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int64, n)
	for i, job := range stored {
		ids[i] = job.ID
	}
	return ids
}

func claim(t testing.TB, s *sqlite.Store, limit int) []store.Job {
	t.Helper()
	jobs, err := s.Claim(t.Context(), store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: limit}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// TestFullDisk: a typed error, nothing is stored by halves, and work resumes when
// there is room again.
func TestFullDisk(t *testing.T) {
	path := file(t)
	s, err := sqlite.New(pool(t, path+"?_pragma=max_page_count(150)"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var stored []int64
	big := store.NewJob{Type: "MyJob", Queue: "default", Args: []byte(`"` + strings.Repeat("x", 20_000) + `"`)}
	for err == nil {
		var answer []store.Enqueued
		if answer, err = s.Enqueue(t.Context(), []store.NewJob{big, big}, time.Now()); err == nil {
			stored = append(stored, answer[0].ID, answer[1].ID)
		}
	}
	if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "nothing was stored; free some space") {
		t.Fatalf("on a full disk: %v", err)
	}
	jobs, err := s.List(t.Context(), store.Filter{Limit: 1000})
	if err != nil || len(jobs) != len(stored) {
		t.Fatalf("%d jobs of %d acknowledged ones, %v", len(jobs), len(stored), err)
	}
	if claimed := claim(t, s, 1); len(claimed) != 1 {
		t.Fatalf("claimed %d", len(claimed))
	}
	if _, err := s.Finish(t.Context(), []store.Outcome{{JobID: stored[0], Token: 7, Kind: store.Complete}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), store.Filter{IDs: stored[:4]}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enqueue(t.Context(), []store.NewJob{big, big}, time.Now()); err != nil {
		t.Errorf("after some were deleted: %v", err)
	}
}

// TestRowsThatSomebodyBroke: hostile SQL spoils some rows; the others go on.
func TestRowsThatSomebodyBroke(t *testing.T) {
	path := file(t)
	s := open(t, path)
	ids := enqueue(t, s, 5)
	db := shell(t, path)
	for _, statement := range []string{
		"UPDATE later_job SET args = '{broken', metadata = 'not json', tags = 'neither' WHERE id = ?1",
		"DELETE FROM later_job WHERE id = ?1 + 1",
	} {
		if _, err := db.Exec(statement, ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("UPDATE later_job SET priority = 'high'"); err == nil {
		t.Error("text was stored where a number belongs")
	}
	jobs, err := s.List(t.Context(), store.Filter{})
	if err != nil || len(jobs) != 4 {
		t.Errorf("listed %d jobs, %v", len(jobs), err)
	}
	if page, err := json.Marshal(jobs); err != nil || !strings.Contains(string(page), `"{broken"`) {
		t.Errorf("as JSON: %s, %v", page, err)
	}
	var outcomes []store.Outcome
	for _, job := range claim(t, s, 10) {
		outcomes = append(outcomes, store.Outcome{JobID: job.ID, Token: job.Token, Kind: store.Complete})
	}
	if len(outcomes) != 4 {
		t.Fatalf("claimed %d jobs", len(outcomes))
	}
	verdicts, err := s.Finish(t.Context(), outcomes, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, verdict := range verdicts {
		if verdict != store.Accepted {
			t.Errorf("outcome of job %d: %d", outcomes[i].JobID, verdict)
		}
	}
	if again := claim(t, s, 10); len(again) != 0 {
		t.Errorf("claimed again: %+v", again)
	}
}

// TestProcessThatSomebodyBroke: whatever is written into its row, the others are seen.
func TestProcessThatSomebodyBroke(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for id := range int64(2) {
		p := store.Process{ID: id + 1, StartedAt: time.Now(), Queues: map[string]int{"mail": 3}}
		if err := s.Join(t.Context(), p, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for _, queues := range []string{"{broken", "[1]", `{"mail": "three"}`, ""} {
		if _, err := shell(t, path).Exec("UPDATE later_process SET queues = ?1 WHERE id = 1", queues); err != nil {
			t.Fatal(err)
		}
		processes, err := s.Processes(t.Context())
		if err != nil || len(processes) != 2 || processes[1].Queues["mail"] != 3 {
			t.Errorf("with the queues %q: %+v, %v", queues, processes, err)
		}
		if _, err := s.Recover(t.Context(), nil, time.Now()); err != nil {
			t.Errorf("with the queues %q: %v", queues, err)
		}
	}
}

// TestRestartKeepsEverything: closing and opening again changes no job.
func TestRestartKeepsEverything(t *testing.T) {
	path := file(t)
	s := open(t, path)
	ids := enqueue(t, s, 3)
	claim(t, s, 1)
	if _, err := s.Cancel(t.Context(), store.Filter{IDs: ids[2:]}, "why", time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	before, err := s.List(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := open(t, path).List(t.Context(), store.Filter{})
	if err != nil || len(after) != 3 {
		t.Fatalf("%d jobs, %v", len(after), err)
	}
	for i := range after {
		if after[i].Status != before[i].Status || after[i].Error != before[i].Error || !after[i].QueuedAt.Equal(before[i].QueuedAt) {
			t.Errorf("job %d: %+v, was %+v", after[i].ID, after[i], before[i])
		}
	}
}
