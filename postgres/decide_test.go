package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/laterjobs/later/store"
)

func TestVersionsOfPostgreSQL(t *testing.T) {
	for _, test := range []struct{ number, encoding, refusal string }{
		{"140000", "UTF8", ""},
		{"150016", "UTF8", ""},
		{"190001", "UTF8", ""},
		{"139999", "UTF8", "the server is PostgreSQL 13; 14 or newer is needed"},
		{"130023", "UTF8", "the server is PostgreSQL 13; 14 or newer is needed"},
		{"90624", "UTF8", "the server is PostgreSQL 9; 14 or newer is needed"},
		{"120000", "LATIN1", "the server is PostgreSQL 12; 14 or newer is needed"},
		{"150000", "LATIN1", "the database is encoded in LATIN1, which cannot hold every text; create one with ENCODING 'UTF8'"},
		{"150000", "", "the database is encoded in "},
		{"fifteen", "UTF8", `cannot read the version of the server "fifteen"`},
		{"", "UTF8", `cannot read the version of the server ""`},
	} {
		err := check(test.number, test.encoding)
		switch {
		case test.refusal == "" && err == nil:
		case test.refusal == "", !errors.Is(err, store.ErrUnsuitable), !strings.Contains(err.Error(), test.refusal):
			t.Errorf("PostgreSQL %q in %q: %v, want %q", test.number, test.encoding, err, test.refusal)
		}
	}
}

func TestNamesInStatements(t *testing.T) {
	const text = "SELECT nextval('later.number') FROM later.job -- run: later migrate"
	for schema, want := range map[string]string{
		"later":     `SELECT nextval('"later".number') FROM "later".job -- run: later migrate`,
		`a "b"`:     `SELECT nextval('"a ""b""".number') FROM "a ""b""".job -- run: later migrate`,
		"it's":      `SELECT nextval('"it''s".number') FROM "it's".job -- run: later migrate`,
		"my later.": `SELECT nextval('"my later.".number') FROM "my later.".job -- run: later migrate`,
	} {
		if got := inSchema(text, schema); got != want {
			t.Errorf("in schema %s: %s", schema, got)
		}
	}
}
