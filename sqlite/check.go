package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
)

//go:embed check.sql
var checkSQL string

// Check looks whether the file is sound and the tables agree with each other, and says
// what is not so. It reads everything, while others work.
func (s *Store) Check(ctx context.Context) (problems []string, err error) {
	err = s.read(ctx, func(r *session) error {
		err := r.query("PRAGMA integrity_check(20)", func(row *sql.Rows) error {
			var text string
			err := row.Scan(&text)
			if text != "ok" {
				problems = append(problems, "the file is damaged: "+text)
			}
			return err
		})
		if err != nil {
			return err
		}
		return r.query(checkSQL, func(row *sql.Rows) error {
			var what string
			var count int64
			err := row.Scan(&what, &count)
			if count > 0 {
				problems = append(problems, fmt.Sprintf("%s: %d", what, count))
			}
			return err
		})
	})
	return problems, err
}
