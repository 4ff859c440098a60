package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s differs (go test ./sqlite -update writes it anew), %v; it is\n%s", path, err, got)
	}
}

func TestVersionsOfSQLite(t *testing.T) {
	for text, fits := range map[string]bool{
		"3.51.3": true, "3.51.10": true, "3.52.0": true, "4.0.0": true,
		"3.51.2": false, "3.46.1": false, "2.99.99": false, "": false, "three": false,
	} {
		err := checkVersionText(text)
		if (err == nil) != fits || err != nil && !errors.Is(err, store.ErrUnsuitable) {
			t.Errorf("SQLite %q: %v", text, err)
		}
	}
	if err := checkVersionText("3.46.1"); !strings.Contains(err.Error(), "SQLite 3.46.1 may corrupt the file (the WAL-reset bug); use 3.51.3 or newer") {
		t.Error(err)
	}
}

func TestNetworkFileSystems(t *testing.T) {
	if err := checkFileSystem(""); err != nil {
		t.Error(err)
	}
	err := checkFileSystem("NFS")
	if !errors.Is(err, store.ErrUnsuitable) || !strings.Contains(err.Error(), "network file system (NFS), where locks cannot be trusted") {
		t.Error(err)
	}
}

// TestErrorsOfOtherDrivers: their types are not known, so their text has to do.
func TestErrorsOfOtherDrivers(t *testing.T) {
	for text, want := range map[string]error{
		"sql: database is closed": store.ErrClosed, "database or disk is full": store.ErrFull,
		"database is locked": store.ErrUnavailable, "disk I/O error": store.ErrUnavailable,
		"unable to open database file": store.ErrUnavailable, "attempt to write a readonly database": store.ErrUnavailable,
		"file is not a database": store.ErrUnsuitable,
	} {
		if err := classify(errors.New(text)); !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	other := errors.New("something else")
	if err := classify(other); err != other {
		t.Errorf("something else: %v", err)
	}
	wrapped := fmt.Errorf("commit: %w", sql.ErrTxDone)
	if err := classify(wrapped); !errors.Is(err, store.ErrClosed) {
		t.Errorf("an ended transaction: %v", err)
	}
}

// TestSchemaIsAsReleased: a migration that was released does not change any more;
// write the next one instead.
func TestSchemaIsAsReleased(t *testing.T) {
	s := inFile(t)
	found, err := s.db.Query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	err = each("schema", found, func(r *sql.Rows) error {
		var text string
		err := r.Scan(&text)
		dump.WriteString(text + ";\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.sql", dump.String())
}

func inFile(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestPlans keeps the plan of every named statement. None may depend on how full
// the tables are, so there are no statistics, and none walks a whole table but
// those that have to.
func TestPlans(t *testing.T) {
	s := inFile(t)
	names := make([]string, 0, len(queries))
	for name := range queries {
		names = append(names, name)
	}
	slices.Sort(names)
	var plans strings.Builder
	for _, name := range names {
		plans.WriteString(name + "\n" + planOf(t, s, name))
	}
	golden(t, "plans.txt", plans.String())
}

var parameter = regexp.MustCompile(`\?(\d+)`)

func planOf(t *testing.T, s *Store, name string) string {
	t.Helper()
	text := query(name)
	if strings.HasPrefix(strings.TrimSpace(text), "PRAGMA") {
		return ""
	}
	most := 0
	for _, match := range parameter.FindAllStringSubmatch(text, -1) {
		var number int
		fmt.Sscan(match[1], &number)
		most = max(most, number)
	}
	found, err := s.db.Query("EXPLAIN QUERY PLAN "+text, make([]any, most)...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var plan strings.Builder
	err = each(name, found, func(r *sql.Rows) error {
		var id, parent, unused int
		var step string
		err := r.Scan(&id, &parent, &unused, &step)
		plan.WriteString("  " + step + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestClaimThatIsTriedAgain: of two tries of one claim the first is rolled back, and
// the second finds nothing. Then nothing was claimed.
func TestClaimThatIsTriedAgain(t *testing.T) {
	s := inFile(t)
	demand := store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: 10}
	full := errors.New("the disk is full")
	for name, again := range map[string]func(*claiming) *request{
		"alone":      func(c *claiming) *request { return &request{rank: rankClaim, idle: c.idle, run: c.run} },
		"in a batch": func(c *claiming) *request { return &request{rank: rankClaim, run: c.run} },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, time.Time{}); err != nil {
				t.Fatal(err)
			}
			c := newClaiming(demand, time.Now())
			first := &request{rank: rankClaim, run: func(s *session) error { return errors.Join(c.run(s), full) }}
			if err := s.do(t.Context(), first); !errors.Is(err, full) || len(c.jobs) != 1 {
				t.Fatalf("the first try found %d jobs, %v", len(c.jobs), err)
			}
			if _, err := s.Delete(t.Context(), store.Filter{}, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.do(t.Context(), again(c)); err != nil || len(c.jobs) != 0 {
				t.Errorf("claimed %d jobs that are not there, %v", len(c.jobs), err)
			}
		})
	}
}

// TestLockedFileIsWaitedForOnce: requests that meet a file that another program has
// locked wait for it together, not one after the other.
func TestLockedFileIsWaitedForOnce(t *testing.T) {
	s, ctx := inFile(t), context.Background()
	impatient := &request{run: func(*session) error { s.writer.patience = 300 * time.Millisecond; return nil }}
	if err := s.do(ctx, impatient); err != nil {
		t.Fatal(err)
	}
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const callers = 20
	answers, began := make(chan error), time.Now()
	for range callers {
		go func() {
			_, err := s.Enqueue(ctx, []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, time.Time{})
			answers <- err
		}()
	}
	for range callers {
		if err := <-answers; !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("error: %v", err)
		}
	}
	if took := time.Since(began); took > 5*time.Second { // one after the other they would have waited for 6 s
		t.Errorf("they waited for %v", took)
	}
}
