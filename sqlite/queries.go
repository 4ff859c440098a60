package sqlite

import (
	_ "embed"

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

// queries holds every named statement of the .sql files.
var queries = named.Statements(writeSQL, readSQL, exportSQL, importSQL, uniqueSQL, scheduleSQL, auditSQL, causeSQL, operationSQL)

// query returns a named statement. An unknown name is a mistake in this package.
func query(name string) string {
	text, ok := queries[name]
	if !ok {
		panic("sqlite: no query is named " + name)
	}
	return text
}
