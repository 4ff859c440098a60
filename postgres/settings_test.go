package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestSettingsOfTheServer: whatever an administrator has set for the database or the
// role, jobs come out as they went in.
func TestSettingsOfTheServer(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"datestyle":                      "German",
		"intervalstyle":                  "sql_standard",
		"timezone":                       "Pacific/Chatham",
		"client_encoding":                "LATIN1",
		"standard_conforming_strings":    "off",
		"default_transaction_isolation":  "serializable",
		"default_transaction_deferrable": "on",
		"search_path":                    "",
		"array_nulls":                    "off",
		"bytea_output":                   "escape",
		"extra_float_digits":             "-15",
		"quote_all_identifiers":          "on",
		"enable_indexscan":               "off",
		"plan_cache_mode":                "force_custom_plan",
		"jit_above_cost":                 "0",
		"synchronous_commit":             "off",
		"row_security":                   "off",
		"transform_null_equals":          "on",
		"statement_timeout":              "10s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			s := open(t, withParameter(t, url, name, value), inOwnSchema(t, url))
			comesOutAsItWentIn(t, s)
			m := mover{t: t, s: open(t, withParameter(t, url, name, value), inOwnSchema(t, url)), now: s.Now()}
			aFewJobs(&m)
			othersGoOn(&m)
		})
	}
}

func comesOutAsItWentIn(t *testing.T, s *postgres.Store) {
	t.Helper()
	ctx, now := t.Context(), s.Now().Truncate(time.Microsecond)
	in := store.NewJob{Type: "Größe", Queue: "queue 'q'", Priority: -3, Args: []byte(`{"text": "ü \\ ' \" € 😀"}`), Metadata: []byte(`{"m": "\\x41"}`),
		UserID: `C:\user`, TargetID: "t'", Tags: []string{"NULL", "null", `a\b`, "{x}", "ü"}, MaxRetries: 7, Timeout: 90 * time.Second, RunAt: now.Add(-time.Hour)}
	stored, err := s.Enqueue(ctx, []store.NewJob{in}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := store.Job{ID: stored[0].ID, Type: in.Type, Queue: in.Queue, Priority: in.Priority, Args: in.Args, Metadata: in.Metadata, UserID: in.UserID,
		TargetID: in.TargetID, Tags: in.Tags, MaxRetries: 7, Timeout: in.Timeout, Status: store.Pending, QueuedAt: now, ScheduledAt: in.RunAt}
	if job, err := s.Get(ctx, want.ID); err != nil || cmp.Diff(want, job) != "" {
		t.Errorf("Get: %v %s", err, cmp.Diff(want, job))
	}
	claimed, err := s.Claim(ctx, store.Demand{ProcessID: 1, Token: 7, Types: []string{in.Type}, Limit: 1}, now)
	want.Status, want.Attempt, want.ProcessID, want.Token, want.StartedAt = store.Running, 1, 1, 7, now
	if err != nil || cmp.Diff([]store.Job{want}, claimed) != "" {
		t.Errorf("Claim: %v %s", err, cmp.Diff([]store.Job{want}, claimed))
	}
	end := store.Outcome{JobID: want.ID, Token: 7, Kind: store.Complete, Result: []byte(`["\\", "€"]`), StartedAt: now, FinishedAt: now.Add(time.Second)}
	if _, err := s.Finish(ctx, []store.Outcome{end}, now); err != nil {
		t.Fatal(err)
	}
	want.Status, want.Token, want.Result, want.FinishedAt = store.Completed, 0, end.Result, end.FinishedAt
	if job, err := s.Get(ctx, want.ID); err != nil || cmp.Diff(want, job) != "" {
		t.Errorf("Get: %v %s", err, cmp.Diff(want, job))
	}
}
