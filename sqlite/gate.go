package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/laterjobs/later/store"
)

// oldest is the oldest version of SQLite that is used. Before it, the WAL-reset bug
// could corrupt a database that several connections write and checkpoint at once:
// see sqlite.org/wal.html. It also has jsonb_each, which the writer needs.
var oldest = version{3, 51, 3}

type version struct{ major, minor, patch int }

func (v version) before(other version) bool {
	if v.major != other.major {
		return v.major < other.major
	}
	if v.minor != other.minor {
		return v.minor < other.minor
	}
	return v.patch < other.patch
}

// checkVersion refuses versions of SQLite that may corrupt the database.
func checkVersion(ctx context.Context, conn *sql.Conn) error {
	var text string
	if err := conn.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&text); err != nil {
		return err
	}
	return checkVersionText(text)
}

func checkVersionText(text string) error {
	var v version
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &v.major, &v.minor, &v.patch); err != nil {
		return fmt.Errorf("%w: cannot read the version of SQLite %q", store.ErrUnsuitable, text)
	}
	if v.before(oldest) {
		return fmt.Errorf("%w: SQLite %s may corrupt the file (the WAL-reset bug); use 3.51.3 or newer",
			store.ErrUnsuitable, text)
	}
	return nil
}

// checkFileSystem refuses the network file system of that kind; empty: it is none.
func checkFileSystem(kind string) error {
	if kind == "" {
		return nil
	}
	return fmt.Errorf("%w: it is on a network file system (%s), where locks cannot be trusted; "+
		"keep the file on a local disk, or use PostgreSQL", store.ErrUnsuitable, kind)
}

// applicationID marks a file that was made for jobs alone: "latr".
const applicationID = 0x6c617472

// checkOwner refuses files that another application has marked as its own. A
// database without a mark may be the user's own: the tables of later fit into it.
func checkOwner(ctx context.Context, conn *sql.Conn) error {
	var id int32
	if err := conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != 0 && id != applicationID {
		return fmt.Errorf("%w: it belongs to another application (application_id %d); use a file of its own for jobs",
			store.ErrUnsuitable, id)
	}
	return nil
}

// checkNames refuses databases in which the names of the views are taken.
func checkNames(ctx context.Context, conn *sql.Conn) error {
	found, err := conn.QueryContext(ctx, `SELECT type, name FROM sqlite_master
		WHERE name IN ('jobs', 'jobs_waiting', 'jobs_pending', 'jobs_running', 'jobs_finished', 'jobs_failed') OR name LIKE 'later\_%' ESCAPE '\'`)
	if err != nil {
		return err
	}
	var taken []string
	err = each("names", found, func(r *sql.Rows) error {
		var kind, name string
		err := r.Scan(&kind, &name)
		taken = append(taken, kind+" "+name)
		return err
	})
	if err != nil || len(taken) == 0 {
		return err
	}
	return fmt.Errorf("%w: it has a %s already, and later needs that name; rename it, or use another file for jobs",
		store.ErrUnsuitable, strings.Join(taken, ", a "))
}
