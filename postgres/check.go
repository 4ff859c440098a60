package postgres

import (
	"context"
	_ "embed"
	"fmt"
)

//go:embed check.sql
var checkSQL string

// Check looks whether the tables agree with each other, and says what does not. It reads
// everything, while others work.
func (s *Store) Check(ctx context.Context) (problems []string, err error) {
	err = s.readOnce(ctx, func(r *session) error {
		problems = nil
		return r.queryText("check", inSchema(checkSQL, s.schema), func(row row) error {
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
