package postgres_test

import (
	"testing"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
)

// TestInspect: a database that is as it should be has no problem, and an index that was
// not built to the end is one.
func TestInspect(t *testing.T) {
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	problems := func() map[string]string {
		found, err := s.Inspect(t.Context())
		if err != nil || len(found) < 7 {
			t.Fatal(found, err)
		}
		codes := map[string]string{}
		for _, look := range found {
			if look.Problem != "" && look.Code != "L311" { // a machine that is busy
				codes[look.Code] = look.Problem
			}
		}
		return codes
	}
	if got := problems(); len(got) != 0 {
		t.Errorf("problems of a new store: %v", got)
	}
	exec(t, url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"+schema+".request_open'::regclass")
	if got := problems(); got["L315"] == "" {
		t.Errorf("an invalid index is not found: %v", got)
	}
	exec(t, url, "UPDATE "+schema+".meta SET value = '1' WHERE name = 'schema_version'")
	if got := problems(); got["L301"] == "" {
		t.Errorf("an old schema is not found: %v", got)
	}
}
