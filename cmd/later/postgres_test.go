package main

import (
	"bytes"
	"context"
	database "database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// schemas lists the schemas of a database that hold tables of later.
func schemas(t *testing.T, db string) (names string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT coalesce(string_agg(schemaname, ' ' ORDER BY schemaname), '') FROM pg_tables WHERE tablename = 'job'").Scan(&names)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestMigratePostgres: tables are made when somebody says so, and only then.
func TestMigratePostgres(t *testing.T) {
	db := newDatabase(t)
	for _, step := range []struct {
		line    string
		code    int
		says    string
		schemas string // afterwards
	}{
		{"list", 6, "run: later migrate", ""},
		{"enqueue GreetJob", 6, "run: later migrate", ""},
		{"stats", 6, "run: later migrate", ""},
		{"migrate --sql", 0, `CREATE TABLE "later".job (`, ""},
		{"migrate", 0, "/later_command_", "later"},
		{"migrate", 0, "is up to date", "later"},
		{"list", 0, "ID  TYPE", "later"},
		{"list --schema other", 6, "run: later migrate", "later"},
		{"migrate --schema other", 0, "schema other is up to date", "later other"},
		{"list --schema other", 0, "ID  TYPE", "later other"},
		{"migrate --to 0", 2, "add --yes if you mean it", "later other"},
		{"migrate --to 0 --yes", 0, "is removed", "other"},
		{"list", 6, "run: later migrate", "other"},
		{"migrate --to 1", 0, "is at version 1", "later other"},
		{"migrate --to 99", 6, "there is no version 99 of the schema", "later other"},
		{"migrate --to -1", 2, "versions are 0 and above", "later other"},
		{"migrate --to 1 --sql", 2, "exclude each other", "later other"},
		{"list", 6, "run: later migrate", "later other"}, // version 1 is an old one
		{"migrate", 0, "/later_command_", "later other"},
		{"list", 0, "ID  TYPE", "later other"},
	} {
		code, out, problems := laterCmd(t, append(strings.Fields(step.line), "--db", db)...)
		if code != step.code || !strings.Contains(out+problems, step.says) {
			t.Errorf("later %s: exit %d, want %d with %q\n%s%s", step.line, code, step.code, step.says, out, problems)
		}
		if strings.Contains(out+problems, secret) {
			t.Errorf("later %s shows the password:\n%s%s", step.line, out, problems)
		}
		if got := schemas(t, db); got != step.schemas {
			t.Errorf("after later %s: schemas %q, want %q", step.line, got, step.schemas)
		}
	}
}

// TestMigrationSQL: a store that was made by hand is a store.
func TestMigrationSQL(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		db := newDatabase(t)
		_, out, _ := laterCmd(t, "migrate", "--sql", "--db", db, "--schema", `odd "name"`)
		sql(t, db, out)
		if code, _, problems := laterCmd(t, "list", "--db", db, "--schema", `odd "name"`); code != 0 {
			t.Errorf("list: exit %d, %s", code, problems)
		}
	})
	t.Run("file", func(t *testing.T) {
		path := newFile(t)
		_, out, _ := laterCmd(t, "migrate", "--sql", "--db", path)
		file, err := database.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.Exec(out); err != nil {
			t.Fatal(err)
		}
		if code, _, problems := laterCmd(t, "list", "--db", path); code != 0 {
			t.Errorf("list: exit %d, %s", code, problems)
		}
		if code, _, problems := laterCmd(t, "migrate", "--to", "0", "--yes", "--db", path); code != 2 || !strings.Contains(problems, "delete the file") {
			t.Errorf("migrate --to 0: exit %d, %s", code, problems)
		}
	})
}

// TestHelpKeepsThePassword: a default would be shown.
func TestHelpKeepsThePassword(t *testing.T) {
	t.Setenv("LATER_DB", "postgres://ada:"+secret+"@host/db")
	for _, line := range []string{"help list", "list --help", "migrate --help", "move --help", "list --nonsense"} {
		if _, out, problems := laterCmd(t, strings.Fields(line)...); strings.Contains(out+problems, secret) {
			t.Errorf("later %s shows the password:\n%s%s", line, out, problems)
		}
	}
}

func TestDemoOnPostgres(t *testing.T) {
	db := newDatabase(t)
	var out bytes.Buffer
	code := run(t.Context(), []string{"demo", "--headless", "--for", "1m", "-o", "json", "--db", db}, streams{strings.NewReader(""), &out, &out})
	if code != 0 || !strings.Contains(out.String(), `"ok": true`) {
		t.Errorf("exit %d\n%s", code, out.String())
	}
	if code, listed, _ := laterCmd(t, "list", "--db", db); code != 0 || strings.Count(listed, "\n") < 3 {
		t.Errorf("the demo left:\n%s", listed)
	}
}

// TestNotAllowed: a role that PostgreSQL refuses, or that may not use the tables, is told
// so, with the exit code.
func TestNotAllowed(t *testing.T) {
	db := newDatabase(t)
	follow(t, []step{{words("migrate --db " + db), 0, ""}})
	sql(t, db, "CREATE ROLE meek_command LOGIN PASSWORD '"+secret+"'")
	t.Cleanup(func() { sql(t, db, "DROP ROLE meek_command") })
	for name, says := range map[string]string{"meek_command": "lacks a right", "nobody_command": "nobody_command"} {
		u, err := url.Parse(db)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(name, secret)
		code, out, problems := laterCmd(t, "list", "--db", u.String())
		if code != 4 || !strings.Contains(problems, says) || strings.Contains(out+problems, secret) || strings.Contains(problems, `\u0009`) {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, problems)
		}
	}
}
