package sqlite

import (
	_ "embed"
	"strings"
)

//go:embed write.sql
var writeSQL string

//go:embed read.sql
var readSQL string

// queries holds every named statement of the .sql files.
var queries = parseQueries(writeSQL, readSQL)

func parseQueries(files ...string) map[string]string {
	named := map[string]string{}
	for _, file := range files {
		for _, part := range strings.Split(file, "-- name: ")[1:] {
			name, text, _ := strings.Cut(part, "\n")
			named[strings.TrimSpace(name)] = text
		}
	}
	return named
}

// query returns a named statement. An unknown name is a mistake in this package.
func query(name string) string {
	text, ok := queries[name]
	if !ok {
		panic("sqlite: no query is named " + name)
	}
	return text
}
