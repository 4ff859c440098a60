package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

// indexLine is a statement of a migration that makes an index: each stands on a line.
var indexLine = regexp.MustCompile(`(?m)^CREATE INDEX (\w+) (ON .*);`)

// index is one that the schema should have.
type index struct{ name, rest string }

// indexes are those that a schema of this version has, besides those of its keys.
func indexes() (all []index, err error) {
	for version := 1; version <= schemaVersion; version++ {
		script, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.up.sql", version))
		if err != nil {
			return nil, err
		}
		for _, found := range indexLine.FindAllStringSubmatch(string(script), -1) {
			all = append(all, index{found[1], found[2]})
		}
	}
	return all, nil
}

// inspectIndexes finds those that were not built to the end, and those that are gone. One
// that is being built is invalid, too, and as it should be.
func (s *Store) inspectIndexes(ctx context.Context, conn *pgx.Conn) ([]store.Inspection, error) {
	var there, invalid []string
	err := ask(ctx, conn, `SELECT coalesce(array_agg(c.relname::text), '{}'),
		coalesce(array_agg(c.relname::text ORDER BY c.relname) FILTER (WHERE NOT i.indisvalid
			AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid)), '{}')
		FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE n.nspname = $1`, []any{s.schema}, &there, &invalid)
	if err != nil {
		return nil, err
	}
	expected, err := indexes()
	if err != nil {
		return nil, err
	}
	var found []store.Inspection
	for _, name := range invalid {
		found = append(found, s.invalidIndex(name))
	}
	if version, err := s.version(ctx, conn); err != nil || version != schemaVersion {
		return found, err // that is another finding, and this schema has others
	}
	for _, i := range expected {
		if !slices.Contains(there, i.name) {
			found = append(found, s.missingIndex(i))
		}
	}
	if len(found) == 0 {
		found = []store.Inspection{{Code: "L315", Name: "indexes", Value: "all there, and valid"}}
	}
	return found, nil
}

// invalidIndex: what REINDEX CONCURRENTLY leaves behind when it fails has the ending
// _ccnew or _ccold, and is of no use to anybody.
func (s *Store) invalidIndex(name string) store.Inspection {
	fix := "REINDEX INDEX CONCURRENTLY "
	if leftBehind.MatchString(name) {
		fix = "DROP INDEX CONCURRENTLY "
	}
	return store.Inspection{
		Code: "L315", Name: "index", Value: name, Problem: "The index " + name + " is invalid, and not used.",
		Fix: fix + pgx.Identifier{s.schema, name}.Sanitize() + ";",
	}
}

var leftBehind = regexp.MustCompile(`_cc(new|old)\d*$`)

func (s *Store) missingIndex(i index) store.Inspection {
	return store.Inspection{
		Code: "L317", Name: "index", Value: i.name, Problem: "The index " + i.name + " is missing: what needs it walks whole tables.",
		Fix: "CREATE INDEX CONCURRENTLY " + i.name + " " + inSchema(i.rest, s.schema) + ";",
	}
}
