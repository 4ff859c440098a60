package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestSchemaIsAsReleased: a migration that was released does not change any more;
// write the next one instead.
func TestSchemaIsAsReleased(t *testing.T) {
	url := database(t, pgtest.URL(t), "released", "")
	open(t, url)
	postgres.Golden(t, "schema.txt", catalogue(t, url, "later"))
}

// obvious are columns that need no comment.
var obvious = regexp.MustCompile(`^(id|job_id|type|queue|name|args|tags|attempt|crashes|priority|position|process_id|token|kind|` +
	`status|result|error|state|host|pid|version|description|timeout_us|max_retries|level|message|attrs|jobs|value|reason|slots|done|at|` +
	`(queued|claimed|started|finished|paused|seen|run)_at)$`)

// TestSchemaIsDocumented: every table says what it holds, every column that is not
// obvious what it means.
func TestSchemaIsDocumented(t *testing.T) {
	url := database(t, pgtest.URL(t), "documented", "")
	open(t, url)
	for _, table := range ask(t, url, `SELECT relname FROM pg_class WHERE relnamespace = 'later'::regnamespace AND relkind = 'r' AND obj_description(oid, 'pg_class') IS NULL`) {
		t.Errorf("table %s has no comment", table)
	}
	columns := ask(t, url, `SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'later'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL`)
	for _, column := range columns {
		if _, name, _ := strings.Cut(column, " | "); !obvious.MatchString(name) {
			t.Errorf("column %s has no comment", column)
		}
	}
}

// TestSeveralMigrateAtOnce: one does it, the others find it done.
func TestSeveralMigrateAtOnce(t *testing.T) {
	const processes = 20
	for name, settings := range map[string]string{
		"by default":               "",
		"in serializable sessions": "ALTER DATABASE together SET default_transaction_isolation = 'serializable'",
	} {
		t.Run(name, func(t *testing.T) {
			url := database(t, pgtest.URL(t), "together", "")
			exec(t, url, settings)
			var all sync.WaitGroup
			ids := make([]int64, processes)
			for i := range processes {
				all.Go(func() {
					s, err := postgres.Open(t.Context(), url)
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					stored, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("{}")}}, s.Now())
					if err != nil {
						t.Error(err)
						return
					}
					ids[i] = stored[0].ID
				})
			}
			all.Wait()
			if found := ask(t, url, "SELECT count(*) FROM later.jobs WHERE id = ANY ($1)", ids); found[0] != fmt.Sprint(processes) {
				t.Errorf("%s jobs of %d", found, processes)
			}
		})
	}
}

// poolFor opens a pool of the user's own.
func poolFor(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestMigrateUpAndDown(t *testing.T) {
	url := database(t, pgtest.URL(t), "up_and_down", "")
	pool := poolFor(t, url)
	ctx := t.Context()
	newest := newest(t)
	once := map[int]string{} // by version
	for _, version := range []int{1, newest, newest, 1, 0, 0, newest} {
		if err := postgres.MigrateTo(ctx, pool, version); err != nil {
			t.Fatalf("to version %d: %v", version, err)
		}
		if version == 0 {
			if left := ask(t, url, "SELECT relname FROM pg_class WHERE relnamespace = 'later'::regnamespace"); len(left) > 0 {
				t.Errorf("version 0 leaves %q", left)
			}
			continue
		}
		now := catalogue(t, url, "later")
		if once[version] == "" {
			once[version] = now
		}
		if now != once[version] {
			t.Errorf("the schema of version %d is another one:\n%s", version, now)
		}
	}
	if err := postgres.Migrate(ctx, pool); err != nil {
		t.Error(err)
	}
	s := open(t, url, postgres.WithoutMigration())
	if err := s.Migrate(ctx); err != nil {
		t.Error(err)
	}
	for _, version := range []int{-1, newest + 1} {
		if err := postgres.MigrateTo(ctx, pool, version); !errors.Is(err, store.ErrVersion) || !strings.Contains(err.Error(), fmt.Sprintf("this program knows 0 to %d", newest)) {
			t.Errorf("to version %d: %v", version, err)
		}
	}
}

// TestStoreIsNewerThanTheProgram: nobody touches it.
func TestStoreIsNewerThanTheProgram(t *testing.T) {
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	schema := postgres.Schema(own)
	s := open(t, url, schema)
	exec(t, url, "UPDATE "+own+".meta SET value = '999' WHERE name = 'schema_version'")
	pool := poolFor(t, url)
	for name, attempt := range map[string]func() error{
		"Open":            func() error { return opened(postgres.Open(t.Context(), url, schema)) },
		"Open, migrating": func() error { return opened(postgres.Open(t.Context(), url, schema, postgres.WithMigration())) },
		"New":             func() error { return opened(postgres.New(pool, schema)) },
		"Migrate":         func() error { return postgres.Migrate(t.Context(), pool, schema) },
		"MigrateTo":       func() error { return postgres.MigrateTo(t.Context(), pool, 0, schema) },
		"Store.Migrate":   func() error { return s.Migrate(t.Context()) },
	} {
		message := fmt.Sprintf("the store has version 999, this program knows version %d; update the program", newest(t))
		if err := attempt(); !errors.Is(err, store.ErrVersion) || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := ask(t, url, "SELECT value FROM "+own+".meta WHERE name = 'schema_version'"); left[0] != "999" {
		t.Errorf("version %s", left)
	}
}

func opened(s *postgres.Store, err error) error {
	if err == nil {
		s.Close()
	}
	return err
}

func TestOpenWithoutMigration(t *testing.T) {
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	schema := postgres.Schema(own)
	err := opened(postgres.Open(t.Context(), url, schema, postgres.WithoutMigration()))
	if !errors.Is(err, store.ErrVersion) || !strings.Contains(err.Error(), fmt.Sprintf("the store has version 0, this program needs version %d; run: later migrate", newest(t))) {
		t.Errorf("an empty database: %v", err)
	}
	if made := ask(t, url, "SELECT nspname FROM pg_namespace WHERE nspname = $1", own); len(made) > 0 {
		t.Error("it made a schema")
	}
	open(t, url, schema).Close()
	open(t, url, schema, postgres.WithoutMigration())
}

// TestMigrationSQL: for tools that apply migrations themselves.
func TestMigrationSQL(t *testing.T) {
	url := database(t, pgtest.URL(t), "by_hand", "")
	for _, schema := range []string{"later", `Odd "name"`} {
		text, err := postgres.MigrationSQL(postgres.Schema(schema))
		if err != nil {
			t.Fatal(err)
		}
		exec(t, url, text)
		s := open(t, url, postgres.Schema(schema), postgres.WithoutMigration())
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		byProgram := postgres.Schema("by program")
		open(t, url, byProgram)
		if byHand, want := catalogue(t, url, schema), catalogue(t, url, "by program"); byHand != want {
			t.Errorf("by hand:\n%s\nby the program:\n%s", byHand, want)
		}
	}
}

// TestTwoSystemsSideBySide: in two schemas of one database.
func TestTwoSystemsSideBySide(t *testing.T) {
	url := pgtest.URL(t)
	one, other := open(t, url, inOwnSchema(t, url)), open(t, url, inOwnSchema(t, url))
	ctx := t.Context()
	woken, err := other.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Enqueue(ctx, []store.NewJob{plain}, one.Now()); err != nil {
		t.Fatal(err)
	}
	if err := one.Pause(ctx, "default", "", one.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if jobs, err := other.List(ctx, store.Filter{}); err != nil || len(jobs) != 0 {
		t.Errorf("the other lists %v, %v", jobs, err)
	}
	if jobs := claimFrom(t, other, 1); len(jobs) != 0 {
		t.Errorf("the other claims %v", jobs)
	}
	stored, err := other.Enqueue(ctx, []store.NewJob{plain}, other.Now())
	if err != nil {
		t.Fatal(err)
	}
	<-woken
	if jobs := claimFrom(t, other, 10); len(jobs) != 1 || jobs[0].ID != stored[0].ID {
		t.Errorf("the other claims %v", jobs)
	}
}

var plain = store.NewJob{Type: "MyJob", Queue: "default", Args: []byte(`{"n":1}`)}

func claimFrom(t testing.TB, s *postgres.Store, limit int) []store.Job {
	t.Helper()
	jobs, err := s.Claim(t.Context(), store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: limit}, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func TestNamesOfSchemas(t *testing.T) {
	url := pgtest.URL(t)
	long := strings.Repeat("é", 31) + "x" // 63 bytes
	for _, name := range []string{`Weird "Name"`, long, "later.jobs", "select", "%s $1 \\ '", "public 2"} {
		t.Run(name, func(t *testing.T) {
			drop := func() { exec(t, url, "DROP SCHEMA IF EXISTS "+pgx.Identifier{name}.Sanitize()+" CASCADE") }
			drop()
			t.Cleanup(drop)
			worksIn(t, url, name)
		})
	}
	pool := poolFor(t, url)
	for name, say := range map[string]string{"": `""`, long + "y": "must have 1 to 63 bytes"} {
		schema := postgres.Schema(name)
		_, byHand := postgres.MigrationSQL(schema)
		for verb, err := range map[string]error{
			"Open": opened(postgres.Open(t.Context(), url, schema)), "New": opened(postgres.New(pool, schema)),
			"Migrate": postgres.Migrate(t.Context(), pool, schema), "MigrationSQL": byHand,
		} {
			if !errors.Is(err, store.ErrUnsuitable) || !strings.Contains(err.Error(), say) {
				t.Errorf("%s in schema %q: %v", verb, name, err)
			}
		}
	}
}

// worksIn puts a job through its life, and waits for the message about it.
func worksIn(t *testing.T, url, schema string) {
	t.Helper()
	s, other := open(t, url, postgres.Schema(schema)), open(t, url, postgres.Schema(schema))
	woken, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-woken // it listens
	if _, err := other.Enqueue(t.Context(), []store.NewJob{plain}, other.Now()); err != nil {
		t.Fatal(err)
	}
	<-woken
	job := claimFrom(t, s, 1)[0]
	if _, err := s.Finish(t.Context(), []store.Outcome{{JobID: job.ID, Token: 7, Kind: store.Complete}}, s.Now()); err != nil {
		t.Fatal(err)
	}
	if found := ask(t, url, "SELECT status FROM "+pgx.Identifier{schema}.Sanitize()+".jobs"); len(found) != 1 || found[0] != "completed" {
		t.Errorf("jobs: %q", found)
	}
	if text := catalogue(t, url, schema); !strings.Contains(text, "view jobs_failed") {
		t.Errorf("the schema:\n%s", text)
	}
}

// TestRoles: what a role must be allowed to do.
func TestRoles(t *testing.T) {
	url := database(t, pgtest.URL(t), "roles", "")
	exec(t, url, `DROP ROLE IF EXISTS humble; CREATE ROLE humble LOGIN`)
	t.Cleanup(func() { exec(t, url, "DROP OWNED BY humble; DROP ROLE humble") })
	humble := asRole(t, url, "humble")
	err := opened(postgres.Open(t.Context(), humble))
	if !errors.Is(err, store.ErrUnsuitable) || !strings.Contains(err.Error(), "make schema later") || !strings.Contains(err.Error(), "permission denied for database roles") {
		t.Errorf("a role that may not make a schema: %v", err)
	}
	exec(t, url, `CREATE SCHEMA given AUTHORIZATION humble`)
	worksIn(t, humble, "given")
	exec(t, url, `CREATE SCHEMA forbidden`)
	err = opened(postgres.Open(t.Context(), humble, postgres.Schema("forbidden")))
	if !errors.Is(err, store.ErrUnsuitable) || !strings.Contains(err.Error(), "permission denied for schema forbidden") {
		t.Errorf("a role that may not use the schema: %v", err)
	}
	open(t, url, postgres.Schema("lent")).Close()
	exec(t, url, `GRANT USAGE ON SCHEMA lent TO humble; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lent TO humble;
		GRANT USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA lent TO humble`)
	worksIn(t, humble, "lent")
}

// asRole is the URL for another role.
func asRole(t testing.TB, text, role string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}
