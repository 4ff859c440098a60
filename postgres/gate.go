package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

// oldest is the oldest version of PostgreSQL that is used, as its server_version_num.
const oldest = 140000

// checkServer refuses servers that are too old and databases that cannot hold every
// text.
func (s *Store) checkServer(ctx context.Context, conn *pgx.Conn) error {
	if err := s.checkName(); err != nil {
		return err
	}
	var number, encoding string
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num'), current_setting('server_encoding')",
		pgx.QueryExecModeExec).Scan(&number, &encoding)
	if err != nil {
		return err
	}
	return check(number, encoding)
}

func (s *Store) checkName() error {
	switch name := s.schema; {
	case name == "" || len(name) > maxSchema || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%w: the name of the schema, %q, must have 1 to %d bytes of UTF-8, without control characters", store.ErrUnsuitable, name, maxSchema)
	case strings.HasPrefix(name, "pg_"):
		return fmt.Errorf("%w: the name of the schema, %q, begins with pg_, which PostgreSQL keeps for itself", store.ErrUnsuitable, name)
	}
	return nil
}

// maxSchema is the longest name that PostgreSQL does not cut.
const maxSchema = 63

func check(number, encoding string) error {
	version, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("%w: cannot read the version of the server %q", store.ErrUnsuitable, number)
	}
	if version < oldest {
		return fmt.Errorf("%w: the server is PostgreSQL %d; 14 or newer is needed", store.ErrUnsuitable, version/10000)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("%w: the database is encoded in %s, which cannot hold every text; create one with ENCODING 'UTF8'",
			store.ErrUnsuitable, encoding)
	}
	return nil
}
