package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/laterjobs/later/internal/sqlfile"
	"github.com/laterjobs/later/store"
)

// lowDisk is how little free disk is worth a word.
const lowDisk = 256 << 20

// Inspect looks at the file: which it is, so that two that are mistaken for one are seen,
// and whether it is safe.
func (s *Store) Inspect(ctx context.Context) ([]store.Inspection, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, classify(err)
	}
	defer conn.Close()
	version, err := readVersion(ctx, conn)
	if err != nil {
		return nil, classify(err)
	}
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return nil, classify(err)
	}
	found := []store.Inspection{{Code: "L307", Name: "store", Value: s.path + ", id " + s.id}, inspectVersion(version)}
	if s.inMemory {
		return found, nil
	}
	if err := s.files.check(); err != nil {
		found[0].Problem, found[0].Severe = err.Error(), true
		found[0].Fix = "Put the file back, or restart the program."
	}
	found = append(found, inspectMode(mode), inspectLog(s.path), inspectDisk(s.path), inspectRights(s.path))
	if version != schemaVersion {
		return found, nil // another schema has other indexes
	}
	more, err := inspectIndexes(ctx, conn)
	return append(found, more...), classify(err)
}

// indexLine is a statement of a migration that makes an index: each stands on a line.
var indexLine = regexp.MustCompile(`(?m)^CREATE INDEX (\w+) ON .*;`)

// inspectIndexes finds those that the schema should have, and that somebody has dropped.
func inspectIndexes(ctx context.Context, conn *sql.Conn) (found []store.Inspection, err error) {
	var names string
	err = conn.QueryRowContext(ctx, "SELECT coalesce(group_concat(name, ' '), '') FROM sqlite_master WHERE type = 'index' AND name GLOB 'later_*'").Scan(&names)
	if err != nil {
		return nil, err
	}
	there := strings.Fields(names)
	for version := 1; version <= schemaVersion; version++ {
		text, err := script(version)
		if err != nil {
			return nil, err
		}
		for _, index := range indexLine.FindAllStringSubmatch(text, -1) {
			if slices.Contains(there, index[1]) {
				continue
			}
			found = append(found, store.Inspection{
				Code: "L317", Name: "index", Value: index[1], Problem: "The index " + index[1] + " is missing: what needs it walks whole tables.", Fix: index[0],
			})
		}
	}
	if len(found) == 0 {
		found = []store.Inspection{{Code: "L317", Name: "indexes", Value: "all there"}}
	}
	return found, nil
}

func inspectVersion(version int) store.Inspection {
	look := store.Inspection{Code: "L301", Name: "schema version", Value: strconv.Itoa(version)}
	if version != schemaVersion {
		look.Problem = fmt.Sprintf("The schema has version %d, this program knows version %d.", version, schemaVersion)
		look.Fix, look.Severe = "Run later migrate, or update the program.", true
	}
	return look
}

func inspectMode(mode string) store.Inspection {
	look := store.Inspection{Code: "L302", Name: "journal mode", Value: mode}
	if mode != "wal" {
		look.Problem, look.Severe = "The file has the journal mode "+mode+": readers and the writer stop each other.", true
		look.Fix = "Run PRAGMA journal_mode=WAL, and find out what has changed it."
	}
	return look
}

func inspectLog(path string) store.Inspection {
	look := store.Inspection{Code: "L303", Name: "write-ahead log", Value: "none"}
	info, err := os.Stat(logOf(path))
	if err != nil {
		return look
	}
	look.Value = strconv.FormatInt(info.Size()>>20, 10) + " MB"
	if info.Size() > 4*longLog {
		look.Problem = "The write-ahead log has grown to " + look.Value + "."
		look.Fix = "End the program that reads an old state of the file and does not end."
	}
	return look
}

func inspectDisk(path string) store.Inspection {
	free, all := sqlfile.Free(filepath.Dir(path))
	look := store.Inspection{Code: "L304", Name: "free disk", Value: strconv.FormatUint(free>>20, 10) + " MB"}
	if all > 0 && free < lowDisk {
		look.Problem, look.Severe = "Only "+look.Value+" of the disk are free: nothing can be stored when it is full.", true
		look.Fix = "Make room, or keep finished jobs for a shorter time: Config.Retention."
	}
	return look
}

func inspectRights(path string) store.Inspection {
	look := store.Inspection{Code: "L306", Name: "rights of the file"}
	info, err := os.Stat(path)
	if err != nil {
		return look
	}
	look.Value = info.Mode().Perm().String()
	if info.Mode().Perm()&0o002 != 0 {
		look.Problem = "Every user of this machine may write the file: " + look.Value + "."
		look.Fix = "chmod o-w " + path
	}
	return look
}
