package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
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
	made := ask(t, url, indexesMade, schema)
	if len(made) < 20 {
		t.Fatalf("the schema has %d indexes", len(made))
	}
	drop := ""
	for _, line := range made {
		drop += "DROP INDEX " + schema + "." + strings.Fields(line)[0] + ";"
	}
	exec(t, url, drop)
	missing := fixes(t, s, "L317")
	if len(missing) != len(made) {
		t.Errorf("%d of %d are missed: %q", len(missing), len(made), missing)
	}
	exec(t, url, missing[0])
	exec(t, url, strings.ReplaceAll(strings.Join(missing[1:], "\n"), "CONCURRENTLY ", "")) // the others in a moment
	if again := ask(t, url, indexesMade, schema); !slices.Equal(again, made) {
		t.Errorf("made again as %q, were %q", again, made)
	}
	exec(t, url, "CREATE INDEX request_open_ccnew ON "+schema+".request (process_id)")
	exec(t, url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"+schema+".request_open_ccnew'::regclass")
	exec(t, url, fixes(t, s, "L315")[0])
	if got := problems(); len(got) != 0 {
		t.Errorf("problems when all are mended: %v", got)
	}
	exec(t, url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"+schema+".request_open'::regclass")
	if got := problems(); got["L315"] == "" {
		t.Errorf("an invalid index is not found: %v", got)
	}
	exec(t, url, fixes(t, s, "L315")[0])
	if got := problems(); len(got) != 0 {
		t.Errorf("problems when it was built anew: %v", got)
	}
	exec(t, url, "UPDATE "+schema+".meta SET value = '1' WHERE name = 'schema_version'")
	if got := problems(); got["L301"] == "" {
		t.Errorf("an old schema is not found: %v", got)
	}
}

// indexesMade are the statements of the indexes of a schema that no key has made.
const indexesMade = `SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
	JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE n.nspname = $1 AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid) ORDER BY c.relname`

// fixes are what is to be done about the findings of a code.
func fixes(t testing.TB, s *postgres.Store, code string) (all []string) {
	t.Helper()
	found, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, look := range found {
		if look.Code == code && look.Problem != "" {
			all = append(all, look.Fix)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no %s in %+v", code, found)
	}
	return all
}

// TestInspectMessages: through PgBouncer no message arrives, nor through a network that
// keeps them back. A store that was told so does not mind.
func TestInspectMessages(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	own, pooled := ownSchema(t, url), pgtest.Bouncer(t, url)
	open(t, url, postgres.Schema(own))
	for name, c := range map[string]struct {
		store *postgres.Store
		want  string
	}{
		"directly":                  {open(t, url, postgres.Schema(own)), "arrive"},
		"through PgBouncer":         {open(t, pooled, postgres.Schema(own), silent), "a pooler is in between: L312"},
		"kept back":                 {open(t, deafened(t, url), postgres.Schema(own)), "none arrived within 3s: L312"},
		"through PgBouncer, silent": {open(t, pooled, postgres.Schema(own), postgres.WithoutListen()), "not asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second answer is remembered
				found, err := c.store.Inspect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(found, func(look store.Inspection) bool { return look.Name == "messages" })
				if at < 0 {
					t.Fatalf("nobody looked: %+v", found)
				}
				got := found[at].Value
				if found[at].Problem != "" {
					got += ": " + found[at].Code
				}
				if got != c.want {
					t.Errorf("messages %s, expected %s", got, c.want)
				}
			}
		})
	}
}
