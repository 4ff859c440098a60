package sqlite_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// spoilable are the tables that hold one row for each of many things. The others hold
// facts about the whole store.
var spoilable = []string{
	"later_job", "later_waiting", "later_ready", "later_claimed", "later_finished", "later_attempt", "later_process",
	"later_job_type", "later_queue", "later_progress", "later_log", "later_cancel_request", "later_count", "later_unique_key",
	"later_schedule", "later_tick",
}

// spoils are values that somebody could write into a column, as SQL.
var spoils = []string{
	"NULL", "0", "-1", "1", "2", "3", "99", "1000000", "9223372036854775807", "-9223372036854775808", "300000000000000000",
	"''", "'x'", "'null'", "'[]'", "'{'", `'{"a":1}'`, `'["red"]'`, `'{"default":"many"}'`, "'MyJob'", "'default'", "'running'",
	"CAST(x'ff00fe' AS TEXT)", "char(0)", "char(0x1b, 0x202e)", "replace(hex(zeroblob(100000)), '0', 'a')", "?1", "?2",
}

// FuzzHostileRows lets hostile SQL write into any column of any row. Whatever it is,
// every verb still answers, and jobs that nobody has touched come to their end.
func FuzzHostileRows(f *testing.F) {
	for table := range spoilable {
		for column := range byte(13) {
			spoil := byte(7*table) + 5*column
			f.Add([]byte{byte(table), column, 0, spoil, byte(table), column, 1, spoil + 1, byte(table), column, 2, spoil + 2}, "\xed\xa0\x80", int64(40))
		}
	}
	f.Add([]byte{1, 1, 2, 9}, "", int64(0)) // due before all time
	f.Add([]byte{0, 0, 0, 8}, "", int64(0)) // the highest id that there can be
	f.Add([]byte{0, 0, 0, 8, 0, 255, 3, 0, 0, 255, 2, 0, 0, 255, 1, 0, 0, 255, 0, 0}, "", int64(0))
	for table := range spoilable {
		f.Add([]byte{byte(table), 255, 0, 0}, "", int64(0))
		f.Add([]byte{byte(table), 0, 0, byte(len(spoils) - 1)}, "", int64(1)<<40)
	}
	f.Fuzz(func(t *testing.T, orders []byte, text string, number int64) {
		s := open(t, ":memory:")
		stock(t, s)
		spoil(t, s.DB(), orders, text, number)
		othersGoOn(t, s)
	})
}

// spoil reads the orders: table, column, row and value. A column that is not there
// means the whole row.
func spoil(t *testing.T, db *sql.DB, orders []byte, text string, number int64) {
	for ; len(orders) >= 4; orders = orders[4:] {
		table := spoilable[int(orders[0])%len(spoilable)]
		columns := columnsOf(t, db, table)
		row := fmt.Sprintf("%s = (SELECT %[1]s FROM %s LIMIT 1 OFFSET %d)", columns[0], table, orders[2]%4)
		if int(orders[1]) >= len(columns) {
			_, _ = db.Exec("DELETE FROM " + table + " WHERE " + row)
			continue
		}
		value := spoils[int(orders[3])%len(spoils)]
		// What the tables themselves refuse is no danger.
		_, _ = db.Exec("UPDATE OR IGNORE "+table+" SET "+columns[orders[1]]+" = "+value+" WHERE "+row, text, number)
	}
}

func columnsOf(t *testing.T, db *sql.DB, table string) (columns []string) {
	rows, err := db.Query("SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	return columns
}

// stock puts jobs into every place, and something into every table.
func stock(t testing.TB, s *sqlite.Store) {
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Join(ctx, store.Process{
		ID: 1, Host: "elsewhere", StartedAt: now, Queues: map[string]int{"default": 1},
		Types: []store.JobType{{Name: "MyJob", Queue: "default", Schema: []byte(`{}`)}},
	}, now))
	ids := enqueue(t, s, 9)
	_, err := s.Enqueue(ctx, []store.NewJob{{Type: "MyJob", Queue: "other", Args: []byte(`1`), Metadata: []byte(`{}`), UserID: "ada", TargetID: "7", RunAt: now.Add(time.Hour)}}, now)
	must(err)
	claimed := claim(t, s, 7)
	var outcomes []store.Outcome
	for i, kind := range []store.OutcomeKind{store.Complete, store.Fail, store.Cancel, store.Retry, store.Postpone} {
		outcomes = append(outcomes, store.Outcome{
			JobID: claimed[i].ID, Token: claimed[i].Token, Kind: kind, RunAt: now, Error: "boom", Stack: "main.go:1", Result: []byte(`2`),
		})
	}
	must(s.Report(ctx, []store.Report{{
		JobID: ids[5], Token: claimed[5].Token, Progress: &store.Progress{Done: 1, Total: 2, Message: "half", At: now},
		Lines: []store.LogLine{{Attempt: 1, At: now, Level: "INFO", Message: "hello", Attrs: []byte(`{}`)}},
	}}, now))
	_, err = s.Finish(ctx, outcomes, now)
	must(err)
	_, err = s.Cancel(ctx, store.Filter{IDs: ids[6:7]}, "enough", now, nil)
	must(err)
	must(s.Pause(ctx, "other", "why", now, nil))
	for _, name := range []string{"a", "b"} {
		_, err = s.SaveSchedules(ctx, []store.Schedule{{Name: name, Definition: store.ScheduleDefinition{Rule: "@daily"}, NextTick: now, DueAt: now}}, now, nil)
		must(err)
		_, err = s.Tick(ctx, []store.Tick{{
			Schedule: store.Schedule{Name: name, Revision: 1, Definition: store.ScheduleDefinition{Rule: "@daily"}, NextTick: now, DueAt: now},
			Jobs:     []store.TickJob{{At: now, Job: store.NewJob{Type: "MyJob", Queue: "other", Args: []byte(`1`)}}},
		}}, now, nil)

		must(err)
	}
}

// othersGoOn puts new jobs through every verb.
func othersGoOn(t *testing.T, s *sqlite.Store) {
	ctx, now := t.Context(), time.Now()
	must := func(verb string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", verb, err)
		}
	}
	readsAll(t, s)
	must("Join", s.Join(ctx, store.Process{ID: 77, Host: "here", StartedAt: now}, now))
	newJobs := []store.NewJob{
		{Type: "Healthy", Queue: "healthy", Args: []byte(`1`)},
		{Type: "Healthy", Queue: "healthy", Args: []byte(`2`), RunAt: now.Add(time.Millisecond)},
	}
	stored, err := s.Enqueue(ctx, newJobs, now)
	must("Enqueue", err)
	alone, err := s.Enqueue(ctx, newJobs[:1], now)
	must("Enqueue", err)
	stored = append(stored, alone...)
	_, err = s.Promote(ctx, 100, now.Add(time.Second))
	must("Promote", err)
	finishAll(t, s, stored, now)
	_, err = s.Suspected(ctx, store.Demand{Types: []string{"MyJob"}})
	must("Suspected", err)
	_, err = s.Beat(ctx, store.Heartbeat{ProcessID: 77, State: store.ProcessRunning}, now)
	must("Beat", err)
	_, err = s.Recover(ctx, []store.Silent{{ProcessID: 1}}, now)
	must("Recover", err)
	_, err = s.Recover(ctx, nil, now)
	must("Recover", err)
	for after, more := int64(0), true; more; more = after != 0 {
		_, after, err = s.Prune(ctx, store.Retention{Failed: -1}, after, 3, now)
		must("Prune", err)
	}
	_, err = s.Cancel(ctx, store.Filter{}, "all", now, nil)
	must("Cancel", err)
	_, err = s.Retry(ctx, store.Filter{}, now, nil)
	must("Retry", err)
	_, err = s.Reschedule(ctx, store.Filter{}, now.Add(time.Hour), now, nil)
	must("Reschedule", err)
	readsAll(t, s)
	_, err = s.Delete(ctx, store.Filter{}, nil)
	must("Delete", err)
	must("Leave", s.Leave(ctx, 77, now))
}

// finishAll claims what is ready and completes it, until the healthy jobs are done.
func finishAll(t *testing.T, s *sqlite.Store, healthy []store.Enqueued, now time.Time) {
	t.Helper()
	for round := range int64(3) {
		demand := store.Demand{ProcessID: 77, Token: 1000 + round, Types: []string{"MyJob", "Healthy", "", "x"}, Limit: 100}
		claimed, err := s.Claim(t.Context(), demand, now.Add(time.Second))
		if err != nil {
			t.Fatalf("Claim: %v", err)
		}
		var outcomes []store.Outcome
		for _, job := range claimed {
			outcomes = append(outcomes, store.Outcome{JobID: job.ID, Token: job.Token, Kind: store.Complete})
		}
		if _, err := s.Finish(t.Context(), outcomes, now); err != nil {
			t.Fatalf("Finish: %v", err)
		}
	}
	for _, one := range healthy {
		if job, err := s.Get(t.Context(), one.ID); err != nil || job.Status != store.Completed {
			t.Errorf("job %d is %s, %v", one.ID, job.Status, err)
		}
	}
}

// readsAll: every reading verb answers, with what can be shown as JSON.
func readsAll(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	shows := func(verb string, answer any, err error) {
		t.Helper()
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("%s: %v", verb, err)
		}
		if _, err := json.Marshal(answer); err != nil {
			t.Fatalf("%s answers what cannot be shown: %v", verb, err)
		}
	}
	for _, filter := range []store.Filter{
		{}, {Tag: "a"}, {Text: "boom"}, {User: "ada"}, {QueuedAfter: time.Unix(1, 0)}, {FinishedBefore: time.Unix(1<<33, 0)},
		{Status: []store.JobStatus{store.Failed, store.Retrying, store.Running, store.Pending}},
	} {
		jobs, err := s.List(ctx, filter)
		shows("List", jobs, err)
	}
	for id := range int64(12) {
		job, err := s.Get(ctx, id)
		shows("Get", job, err)
		attempts, err := s.Attempts(ctx, id)
		shows("Attempts", attempts, err)
		lines, err := s.Log(ctx, id)
		shows("Log", lines, err)
	}
	types, err := s.Types(ctx)
	shows("Types", types, err)
	processes, err := s.Processes(ctx)
	shows("Processes", processes, err)
	stats, err := s.Stats(ctx)
	shows("Stats", stats, err)
	records, err := s.Export(ctx, 0, 100)
	shows("Export", records, err)
	for _, view := range []string{"jobs", "jobs_failed"} {
		if _, err := s.DB().Exec("SELECT * FROM " + view); err != nil {
			t.Fatalf("the view %s: %v", view, err)
		}
	}
}
