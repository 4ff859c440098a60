package sqlite_test

import (
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// TestViewOfJobs: SELECT * FROM jobs WHERE type = 'MyJob' in any shell shows a job
// in each of its states, with readable times.
func TestViewOfJobs(t *testing.T) {
	path := file(t)
	s := open(t, path)
	now := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	ctx := t.Context()
	stored, err := s.Enqueue(ctx, []store.NewJob{
		{Type: "MyJob", Queue: "mailers", Priority: 9, Args: []byte(`{"n":1}`), Metadata: []byte(`{"m":1}`), UserID: "u1", TargetID: "t1",
			Tags: []string{"a", "b"}, MaxRetries: 3, Timeout: 5 * time.Minute},
		{Type: "MyJob", Queue: "default", Args: []byte(`{}`), RunAt: now.Add(time.Hour)},
		{Type: "Other", Queue: "default", Args: []byte(`{}`)},
		{Type: "MyJob", Queue: "default", Args: []byte(`{}`)},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	demand := store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Queues: map[string]int{"mailers": 1}, Limit: 1}
	if _, err := s.Claim(ctx, demand, now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	report := store.Report{JobID: stored[0].ID, Token: 7, Progress: &store.Progress{Done: 1, Total: 3, Message: "one"}}
	if err := s.Report(ctx, []store.Report{report}, now); err != nil {
		t.Fatal(err)
	}
	retry := store.Outcome{JobID: stored[0].ID, Token: 7, Kind: store.Retry, RunAt: now.Add(time.Minute), Error: "busy",
		StartedAt: now.Add(time.Second), FinishedAt: now.Add(2 * time.Second)}
	if _, err := s.Finish(ctx, []store.Outcome{retry}, now.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}

	rows, err := shell(t, path).Query("SELECT * FROM jobs WHERE type = 'MyJob' ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	want := []string{"id", "type", "queue", "status", "priority", "parameters", "result", "error", "retry_count", "max_retries", "crashes",
		"user_id", "target_id", "tags", "metadata", "dedupe_key", "timeout_ms", "queued_at", "scheduled_at", "started_at", "completed_at",
		"next_retry_at", "progress"}
	if err != nil || !slices.Equal(columns, want) {
		t.Fatalf("columns: %v, %v", columns, err)
	}
	var seen []map[string]any
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, column := range columns {
			row[column] = values[i]
		}
		seen = append(seen, row)
	}
	if len(seen) != 3 {
		t.Fatalf("%d rows", len(seen))
	}
	for column, value := range map[string]any{
		"status": "retrying", "queue": "mailers", "priority": int64(9), "parameters": `{"n":1}`, "metadata": `{"m":1}`, "error": "busy",
		"retry_count": int64(1), "max_retries": int64(3), "user_id": "u1", "target_id": "t1", "tags": `["a","b"]`, "timeout_ms": int64(300000),
		"queued_at": "2026-01-02T03:04:05.678Z", "next_retry_at": "2026-01-02T03:05:05.678Z", "progress": "1/3 one", "result": nil,
	} {
		if seen[0][column] != value {
			t.Errorf("%s of the retrying job: %v, want %v", column, seen[0][column], value)
		}
	}
	if seen[1]["status"] != "scheduled" || seen[1]["scheduled_at"] != "2026-01-02T04:04:05.678Z" || seen[2]["status"] != "pending" {
		t.Errorf("the others: %v, %v", seen[1], seen[2])
	}
}
