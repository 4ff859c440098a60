package main

import (
	"strings"
	"testing"

	"github.com/laterjobs/later/internal/pgtest"
)

// TestDoctor: what the store finds in its own database comes out with the code, the way to
// mend it and the exit code for monitors; what is known can be left out.
func TestDoctor(t *testing.T) {
	file := newFile(t)
	database := newDatabase(t)
	for _, c := range []struct{ db, through, spoil, code, fix string }{
		{file, file, "DROP INDEX later_job_by_user", "L317", "CREATE INDEX later_job_by_user ON later_job (user_id, id)"},
		{database, database, "DROP INDEX later.job_by_user", "L317", `CREATE INDEX CONCURRENTLY job_by_user ON "later".job (user_id, id)`},
		{database, pgtest.Bouncer(t, database), "CREATE INDEX job_by_user ON later.job (user_id, id)", "L312", "postgres.WithoutListen()"},
	} {
		t.Setenv("LATER_DB", c.db)
		follow(t, []step{{words("migrate"), 0, "is up to date"}})
		if c.db == file {
			sqliteExec(t, c.db, c.spoil)
		} else {
			sql(t, c.db, c.spoil)
		}
		t.Setenv("LATER_DB", c.through)
		code, out, problems := laterCmd(t, "doctor")
		if code != 9 || !strings.Contains(out, c.code+"\n") || !strings.Contains(out, c.fix) || !strings.Contains(problems, "problems found: 1;") {
			t.Errorf("%s: exit %d\n%s%s", c.code, code, out, problems)
		}
		follow(t, []step{
			{words("doctor --ignore " + c.code), 0, "✓"},
			{words("doctor --ignore messages"), 2, `--ignore "messages"`},
		})
	}
}
