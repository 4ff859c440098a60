// Package named reads files of SQL in which each statement has a name:
//
//	-- name: claim
//	DELETE FROM …
package named

import "strings"

// Statements returns the statements of the files by their names, with their comments.
// Nothing follows a statement: SQLite's driver takes whatever does for a second
// statement, and then keeps neither but parses both at each call.
func Statements(files ...string) map[string]string {
	named := map[string]string{}
	for _, file := range files {
		for _, part := range strings.Split(file, "-- name: ")[1:] {
			name, text, _ := strings.Cut(part, "\n")
			named[strings.TrimSpace(name)] = strings.TrimSpace(text)
		}
	}
	return named
}
