package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
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

// TestDoctorComparesClocks: processes have measured how far their clocks are from the
// database's; whoever asks is told of those that are too far.
func TestDoctorComparesClocks(t *testing.T) {
	db := newDatabase(t)
	t.Setenv("LATER_DB", db)
	follow(t, []step{{words("migrate"), 0, ""}})
	for name, ahead := range map[string]int{"near": 900_000, "ahead": 90_000_000, "behind": -2_500_000} {
		sql(t, db, fmt.Sprintf(`INSERT INTO later.process (id, beat, beat_at, started_at, pid, slots, state, host, version, clock_ahead_us)
			VALUES (%[1]d, 1, now(), now(), 7, 1, 'running', '%[2]s', '', %[1]d)`, ahead, name))
	}
	code, out, problems := laterCmd(t, "doctor")
	for _, text := range []string{"process 7 on ahead is 1 min 30 s ahead of that of the store", "process 7 on behind is 2 s behind that", "L118", "ahead by: -2.5s", "NTP"} {
		if !strings.Contains(out, text) {
			t.Errorf("it says not %q", text)
		}
	}
	if code != 9 || strings.Contains(out, "on near") {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
	s := open(t, address{db: db})
	if _, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: 90_000_000, State: "running"}, time.Time{}); err != nil { // by a clock that is right
		t.Fatal(err)
	}
	if _, out, _ := laterCmd(t, "doctor"); strings.Contains(out, "on ahead") {
		t.Errorf("its clock has been set right since:\n%s", out)
	}
}
