package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ask returns the rows of an answer, the columns of each separated by bars.
func ask(t testing.TB, url, text string, args ...any) (lines []string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	found, err := conn.Query(ctx, text, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err = pgx.CollectRows(found, func(r pgx.CollectableRow) (string, error) {
		values, err := r.Values()
		words := make([]string, len(values))
		for i, value := range values {
			words[i] = fmt.Sprint(value)
		}
		return strings.Join(words, " | "), err
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return lines
}

// database makes a database for the length of a test, and returns its URL.
func database(t testing.TB, server, name, options string) string {
	t.Helper()
	drop := func() { exec(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") }
	drop()
	exec(t, server, "CREATE DATABASE "+name+" "+options)
	t.Cleanup(drop)
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// catalogue is what the catalogue of a database says of a schema: a section for
// each table, view and sequence. $1 is the schema, whose name is left out.
func catalogue(t testing.TB, url, schema string) string {
	t.Helper()
	var text strings.Builder
	var ofJobs []string
	relations := ask(t, url, `SELECT c.oid::text, c.relname, c.relkind::text, coalesce(array_to_string(c.reloptions, ', '), ''), coalesce(obj_description(c.oid, 'pg_class'), '')
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'S') ORDER BY c.relkind, c.relname COLLATE "C"`, schema)
	if len(relations) == 0 {
		t.Fatalf("schema %q is empty", schema)
	}
	for _, line := range relations {
		c := strings.Split(line, " | ")
		fmt.Fprintf(&text, "%s %s\n", map[string]string{"r": "table", "v": "view", "S": "sequence"}[c[2]], c[1])
		for _, fact := range c[3:] {
			if fact != "" {
				fmt.Fprintf(&text, "  %s\n", fact)
			}
		}
		if c[2] == "S" {
			continue
		}
		columns := ask(t, url, columnsOf, c[0])
		if c[1] == "jobs" {
			ofJobs = columns
		} else if slices.Equal(columns, ofJobs) {
			columns = []string{"as jobs"}
		}
		for _, column := range columns {
			fmt.Fprintf(&text, "  - %s\n", column)
		}
		for _, index := range ask(t, url, indexesOf, c[0]) {
			fmt.Fprintf(&text, "  %s\n", index)
		}
	}
	return text.String()
}

const columnsOf = `SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
		CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation THEN 'COLLATE ' || (SELECT collname FROM pg_collation AS o WHERE o.oid = a.attcollation) END,
		CASE WHEN a.attnotnull THEN 'NOT NULL' END,
		CASE WHEN a.attidentity <> '' THEN 'IDENTITY ' || a.attidentity::text END,
		CASE WHEN a.attgenerated <> '' THEN 'GENERATED' END,
		pg_get_expr(d.adbin, d.adrelid)) || coalesce(': ' || col_description(a.attrelid, a.attnum), '')
	FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attrelid = $1::text::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

const indexesOf = `SELECT replace(pg_get_indexdef(i.indexrelid), quote_ident(n.nspname) || '.', '') FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE i.indrelid = $1::text::oid ORDER BY c.relname COLLATE "C"`
