package postgres

import (
	_ "embed"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/named"
)

//go:embed write.sql
var writeSQL string

//go:embed read.sql
var readSQL string

//go:embed export.sql
var exportSQL string

//go:embed import.sql
var importSQL string

//go:embed unique.sql
var uniqueSQL string

//go:embed schedule.sql
var scheduleSQL string

//go:embed operation.sql
var operationSQL string

//go:embed audit.sql
var auditSQL string

//go:embed cause.sql
var causeSQL string

// statements holds every named statement of the .sql files, for the default schema.
var statements = withEnqueueAs(named.Statements(writeSQL, readSQL, exportSQL, importSQL, uniqueSQL, scheduleSQL, auditSQL, causeSQL, operationSQL))

// withEnqueueAs adds the enqueue of jobs whose ids have been drawn, since they are in
// their keys by then. One statement for both would cost every job without a key.
func withEnqueueAs(all map[string]string) map[string]string {
	all["enqueue_as"] = strings.Replace(all["enqueue"], "nextval('later.number') AS id", "($14::bigint[])[place] AS id", 1)
	return all
}

// defaultSchema is the schema that the .sql files name.
const defaultSchema = "later"

// statementsIn are the statements for another schema.
func statementsIn(schema string) map[string]string {
	in := maps.Clone(statements)
	for name, text := range in {
		in[name] = inSchema(text, schema)
	}
	return in
}

// inSchema makes SQL that names the default schema name another. At the beginning of
// a literal, which names a sequence, apostrophes are doubled.
func inSchema(text, schema string) string {
	name := pgx.Identifier{schema}.Sanitize() + "."
	return strings.NewReplacer("'"+defaultSchema+".", "'"+strings.ReplaceAll(name, "'", "''"), defaultSchema+".", name).Replace(text)
}

// query returns a named statement. An unknown name is a mistake in this package.
func (s *Store) query(name string) string {
	text, ok := s.statements[name]
	if !ok {
		panic("postgres: no statement is named " + name)
	}
	return text
}

func (s *Store) inSchema(text string) string { return inSchema(text, s.schema) }
