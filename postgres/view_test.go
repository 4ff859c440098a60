package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// TestViewOfJobs: the view shows a job in each of its states, and the one of SQLite
// shows the same: columns, order and values.
func TestViewOfJobs(t *testing.T) {
	url, schema := pgtest.URL(t), "test_view"
	t.Cleanup(func() { exec(t, url, "DROP SCHEMA IF EXISTS test_view CASCADE") })
	path := filepath.Join(t.TempDir(), "jobs.db")
	embedded, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { embedded.Close() })
	statuses := inEveryStatus(t, open(t, url, postgres.Schema(schema)))
	if others := inEveryStatus(t, embedded); !slices.Equal(statuses, others) {
		t.Fatalf("statuses %v and %v", statuses, others)
	}
	for _, view := range []string{"jobs", "jobs_waiting", "jobs_pending", "jobs_running", "jobs_finished", "jobs_failed"} {
		query := "SELECT * FROM " + view + " WHERE id > 0 ORDER BY id"
		columns, rows := viewInPostgreSQL(t, url, schema, query)
		otherColumns, otherRows := viewInSQLite(t, path, query)
		if !slices.Equal(columns, otherColumns) {
			t.Fatalf("columns of %s:\n%v\nin SQLite\n%v", view, columns, otherColumns)
		}
		if len(rows) == 0 || len(rows) != len(otherRows) {
			t.Fatalf("%s: %d rows, in SQLite %d", view, len(rows), len(otherRows))
		}
		for i := range rows {
			for c, column := range columns {
				if got, other := rows[i][c], otherRows[i][c]; got != other {
					t.Errorf("%s: %s of job %s: %q, in SQLite %q", view, column, rows[i][0], got, other)
				}
			}
		}
		if view == "jobs" {
			checkStatuses(t, slices.Index(columns, "status"), rows, statuses)
		}
	}
}

func checkStatuses(t *testing.T, column int, rows [][]string, want []store.JobStatus) {
	t.Helper()
	for i, row := range rows {
		if row[column] != string(want[i]) {
			t.Errorf("status of job %s: %s, want %s", row[0], row[column], want[i])
		}
	}
}

// inEveryStatus brings a job into each status, by each way that leaves a trace, and
// returns where they are, in the order of their ids.
func inEveryStatus(t *testing.T, s store.Store) []store.JobStatus {
	t.Helper()
	m := mover{t: t, s: s, now: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}
	m.enqueue(9)
	m.end(0, store.Outcome{Kind: store.Complete, Result: []byte(`{"sent": true}`)})
	m.end(1, store.Outcome{Kind: store.Retry, RunAt: m.now.Add(time.Minute), Error: "busy"})
	m.end(2, store.Outcome{Kind: store.Postpone, RunAt: m.now.Add(time.Hour), Error: "not yet open"})
	m.end(3, store.Outcome{Kind: store.Fail, Error: "gave\nup"})
	m.end(4, store.Outcome{Kind: store.Release})
	m.claim(5)
	m.cancel(6)
	m.end(7, store.Outcome{Kind: store.Retry, RunAt: m.now.Add(-time.Second), Error: "twice"})
	m.promote()
	m.claim(7)
	m.cancel(7)
	m.end(7, store.Outcome{Kind: store.Complete, Result: []byte("7")})
	m.crash(8)
	var statuses []store.JobStatus
	for _, job := range m.jobs() {
		statuses = append(statuses, job.Status)
	}
	for _, status := range store.Statuses {
		if status != store.Blocked && !slices.Contains(statuses, status) {
			t.Errorf("no job is %s", status)
		}
	}
	return statuses
}

// mover moves jobs about, each of a type of its own, so that it can be claimed alone.
type mover struct {
	t   *testing.T
	s   store.Store
	now time.Time
	ids []int64
}

func (m *mover) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *mover) enqueue(n int) {
	var jobs []store.NewJob
	for i := range n {
		jobs = append(jobs, store.NewJob{Type: fmt.Sprint("Type", i), Queue: "mailers", Priority: i, Args: []byte(`{"n": 1}`), Metadata: []byte(`{"m":1}`),
			UserID: "u1", TargetID: "t1", Tags: []string{"a", `"b", {c}`}, MaxRetries: 3, Timeout: 5 * time.Minute})
	}
	jobs = append(jobs, store.NewJob{Type: "Bare", Queue: "default", Args: []byte(`{}`)},
		store.NewJob{Type: "Bare", Queue: "default", Args: []byte(`"ü"`), RunAt: m.now.Add(time.Hour)})
	stored, err := m.s.Enqueue(m.t.Context(), jobs, m.now)
	m.must(err)
	for _, job := range stored {
		m.ids = append(m.ids, job.ID)
	}
}

// claim also reports progress.
func (m *mover) claim(i int) {
	m.t.Helper()
	demand := store.Demand{ProcessID: 5, Token: m.ids[i], Types: []string{fmt.Sprint("Type", i)}, Limit: 1}
	claimed, err := m.s.Claim(m.t.Context(), demand, m.now.Add(time.Second))
	m.must(err)
	if len(claimed) != 1 {
		m.t.Fatalf("job %d: claimed %v", i, claimed)
	}
	progress := store.Report{JobID: m.ids[i], Token: m.ids[i], Progress: &store.Progress{Done: 1, Total: 3, Message: "one"}}
	m.must(m.s.Report(m.t.Context(), []store.Report{progress}, m.now))
}

// end claims a job that is pending, and ends its claim.
func (m *mover) end(i int, o store.Outcome) {
	m.t.Helper()
	if job, err := m.s.Get(m.t.Context(), m.ids[i]); err == nil && job.Status == store.Pending {
		m.claim(i)
	}
	o.JobID, o.Token, o.StartedAt, o.FinishedAt = m.ids[i], m.ids[i], m.now.Add(time.Second), m.now.Add(2*time.Second)
	verdicts, err := m.s.Finish(m.t.Context(), []store.Outcome{o}, m.now)
	m.must(err)
	if verdicts[0] != store.Accepted {
		m.t.Fatalf("job %d: not accepted", i)
	}
}

func (m *mover) cancel(i int) {
	_, err := m.s.Cancel(m.t.Context(), store.Filter{IDs: m.ids[i : i+1]}, "no longer needed", m.now, nil)
	m.must(err)
}

func (m *mover) promote() {
	_, err := m.s.Promote(m.t.Context(), 10, m.now)
	m.must(err)
}

// crash lets the process of a job die. That of the others lives.
func (m *mover) crash(i int) {
	m.t.Helper()
	m.must(m.s.Join(m.t.Context(), store.Process{ID: 5, Host: "elsewhere", StartedAt: m.now}, m.now))
	demand := store.Demand{ProcessID: 6, Token: m.ids[i], Types: []string{fmt.Sprint("Type", i)}, Limit: 1}
	_, err := m.s.Claim(m.t.Context(), demand, m.now)
	m.must(err)
	back, err := m.s.Recover(m.t.Context(), nil, m.now.Add(time.Second))
	m.must(err)
	if len(back) != 1 || back[0].JobID != m.ids[i] {
		m.t.Fatalf("recovered %v", back)
	}
}

func (m *mover) jobs() []store.Job {
	jobs, err := m.s.List(m.t.Context(), store.Filter{})
	m.must(err)
	slices.Reverse(jobs) // they come newest first
	return jobs
}

// viewInPostgreSQL reads every value as psql shows it, times in UTC.
func viewInPostgreSQL(t *testing.T, url, schema, query string) (columns []string, rows [][]string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	results, err := conn.PgConn().Exec(t.Context(), "SET search_path = "+schema+"; SET timezone = 'UTC'; "+query).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	answer := results[2]
	for _, field := range answer.FieldDescriptions {
		columns = append(columns, field.Name)
	}
	for _, values := range answer.Rows {
		row := make([]string, len(values))
		for i, value := range values {
			row[i] = alike(string(value))
			if columns[i] == "tags" && value != nil {
				row[i] = asJSON(t, conn, string(value))
			}
		}
		rows = append(rows, row)
	}
	return columns, rows
}

func asJSON(t *testing.T, conn *pgx.Conn, array string) (text string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT to_json($1::text::text[])::text", array).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func viewInSQLite(t *testing.T, path, query string) (columns []string, rows [][]string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	if columns, err = found.Columns(); err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, value := range values {
			row[i] = alike(value.String)
		}
		rows = append(rows, row)
	}
	return columns, rows
}

// alike writes a time in one form, whatever the database makes of it; other
// texts stay.
func alike(text string) string {
	for _, form := range []string{"2006-01-02 15:04:05.999999-07", time.RFC3339} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return text
}
