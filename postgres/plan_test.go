package postgres

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/internal/selection"
	"github.com/laterjobs/later/store"
)

// planVersion is the major version of PostgreSQL whose plans are in testdata.
const planVersion = 15

// mayWalk are the statements that walk an index without a search in it, with the reason.
var mayWalk = map[string]string{
	"waiting_per_queue": "from its beginning, to a limit",
}

// TestPlans keeps the plan of every named statement, as the store's own connections
// make it. None may depend on how full the tables are, or on what the server believes
// of that.
func TestPlans(t *testing.T) {
	f := newFilling(t, "inside_plans")
	names := slices.Sorted(maps.Keys(statements))
	plans := map[string]string{}
	f.each(func(state string) {
		conn := f.connect(plannerSettings)
		for _, name := range names {
			plan := planOf(t, conn, name, f.s.query(name))
			if before, known := plans[name]; !known {
				plans[name] = plan
			} else if plan != before {
				t.Errorf("%s has another plan when the tables are %s:\n%s\nit was\n%s", name, state, plan, before)
			}
		}
	})
	var text strings.Builder
	for _, name := range names {
		checkPlan(t, name, plans[name])
		checkSearches(t, name, plans[name])
		checkClaims(t, name, plans[name])
		text.WriteString(name + "\n" + plans[name])
	}
	if f.version == planVersion {
		Golden(t, "plans.txt", text.String())
	}
}

// walks are steps whose cost grows with a table, or that depend on statistics.
var walks = regexp.MustCompile(`(Seq|Bitmap Heap|Tid Range) Scan on (ready|waiting|finished|job|attempt)\b|Hash.* Join|Merge.* Join|Materialize`)

func checkPlan(t *testing.T, name, plan string) {
	t.Helper()
	if bad := walks.FindString(plan); bad != "" {
		t.Errorf("%s: %s in\n%s", name, bad, plan)
	}
}

// large are the tables that must not be walked. The others hold what runs now, or
// what people have set.
var large = regexp.MustCompile(`Index (?:Only )?Scan (?:Backward )?using \w+ on (?:ready|waiting|finished|job|attempt|progress|log)\b`)

// checkSearches insists that an index of a large table is searched, not walked.
func checkSearches(t *testing.T, name, plan string) {
	t.Helper()
	lines := strings.Split(plan, "\n")
	for i, line := range lines {
		if large.MatchString(line) && !strings.Contains(lines[i+1], "Index Cond") && mayWalk[name] == "" {
			t.Errorf("%s:%s walks the index in\n%s", name, line, plan)
		}
	}
}

// readsClaims are the statements that may read all of claimed, with the reason. Where an
// old snapshot keeps VACUUM from removing what is dead, there are millions of rows.
var readsClaims = map[string]string{
	"claims_of_process": "a search, which is rare and has a limit on its time",
	"claims_to_release": "once in the life of a process, with a limit on its time",
	"strangers":         "aside, and held under 5 % of the time",
	"take_back":         "only when there are claims of the dead",
	"claimed_per_queue": "for people",
}

var claims = regexp.MustCompile(`Scan (?:using \w+ )?on claimed\b`)

// checkClaims insists that a claim is looked up, such as by every heartbeat.
func checkClaims(t *testing.T, name, plan string) {
	t.Helper()
	lines := append(strings.Split(plan, "\n"), "")
	for i, line := range lines {
		if claims.MatchString(line) && !strings.Contains(lines[i+1], "Index Cond") && readsClaims[name] == "" {
			t.Errorf("%s:%s reads all claims in\n%s", name, line, plan)
		}
	}
}

// TestPlansOfLists: what people look for by has an index. These queries go through
// the user's pool, with its settings.
func TestPlansOfLists(t *testing.T) {
	f := newFilling(t, "inside_plans")
	f.fill()
	f.analyze()
	conn := f.connect("")
	for index, filter := range map[string]store.Filter{
		"job_by_type": {Type: "Rare"}, "job_by_user": {User: "user8"}, "job_by_target": {Target: "target9"},
		"finished_bad": {Status: []store.JobStatus{store.Failed}}, "finished_pkey": {Status: []store.JobStatus{store.Completed}},
		"operation_job_pkey": {Operation: 1},
	} {
		for _, plan := range f.plansOf(conn, filter) {
			if !strings.Contains(plan, index) {
				t.Errorf("%+v:\n%s", filter, plan)
			}
		}
	}
	// A look at a piece of the table walks no other, whatever it asks of the jobs.
	asks := store.Filter{
		Status: []store.JobStatus{store.Completed}, Queue: "q", Text: "x", FinishedAfter: time.Unix(1, 0),
		Match: []store.Condition{
			{Field: store.FieldAttempt, AnyOf: []store.Test{{Op: store.AtLeast, Value: "1"}}},
			{Field: store.FieldArgs, Path: []string{"n"}, AnyOf: []store.Test{{Value: "7"}}},
		},
	}
	either := store.Filter{Queue: "q", Match: []store.Condition{{Field: store.FieldProcess, AnyOf: []store.Test{{Value: "1"}}}}}
	ofOperation := asks
	ofOperation.Operation = 1
	for _, filter := range []store.Filter{asks, either, ofOperation} {
		for _, plan := range f.plansOf(conn, filter) {
			if bad := regexp.MustCompile(`Seq Scan on (job|finished|attempt|ready|waiting)\b|Hash`).FindString(plan); bad != "" {
				t.Errorf("%+v: %s in\n%s", filter, bad, plan)
			}
		}
	}
}

// plansOf are the plans of what a look for the jobs of a filter asks.
func (f *filling) plansOf(conn *pgx.Conn, filter store.Filter) []string {
	f.t.Helper()
	e := &explainer{looker: looker{f.s.own(f.t.Context(), conn)}}
	if _, err := selection.Look(e, &dialect, filter, nil, selection.Reach{Want: 100, Rows: 1000}); err != nil {
		f.t.Fatal(err)
	}
	if _, err := selection.Count(e, &dialect, filter, store.CountBys, store.Reach{Jobs: 1000}); err != nil {
		f.t.Fatal(err)
	}
	return e.plans
}

// explainer is a looker that keeps the plans of what it is asked.
type explainer struct {
	looker
	plans []string
}

func (e *explainer) Reach(q selection.Query) (lowest, count int64, err error) {
	if err := e.explain(q); err != nil {
		return 0, 0, err
	}
	return e.looker.Reach(q)
}

func (e *explainer) Rows(q selection.Query, documents bool, each func(id int64, args, metadata, options []byte) bool) error {
	if err := e.explain(q); err != nil {
		return err
	}
	return e.looker.Rows(q, documents, each)
}

func (e *explainer) Groups(q selection.Query, texts int, each func(values []string, jobs int64)) error {
	if err := e.explain(q); err != nil {
		return err
	}
	return e.looker.Groups(q, texts, each)
}

func (e *explainer) explain(q selection.Query) error {
	var lines []string
	err := e.queryText("explain", "EXPLAIN (COSTS OFF) "+e.store.inSchema(q.Text), func(r row) error {
		var line string
		err := r.Scan(&line)
		lines = append(lines, line)
		return err
	}, q.Args...)
	e.plans = append(e.plans, steps(lines))
	return err
}

// filling is a store whose tables are filled and emptied.
type filling struct {
	t       *testing.T
	s       *Store
	url     string
	version int
}

func newFilling(t *testing.T, schema string) *filling {
	f := &filling{t: t, s: openInside(t, schema), url: pgtest.URL(t)}
	f.run("SELECT current_setting('server_version_num')::int / 10000", &f.version)
	return f
}

func (f *filling) connect(settings string) *pgx.Conn {
	f.t.Helper()
	conn, err := pgx.Connect(context.Background(), f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.PgConn().Exec(context.Background(), settings).ReadAll(); err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// run executes SQL that names the default schema.
func (f *filling) run(text string, into ...any) {
	f.t.Helper()
	conn := f.connect("")
	text = f.s.inSchema(text)
	if len(into) > 0 {
		if err := conn.QueryRow(context.Background(), text).Scan(into...); err != nil {
			f.t.Fatal(err)
		}
		return
	}
	if _, err := conn.PgConn().Exec(context.Background(), text).ReadAll(); err != nil {
		f.t.Fatal(err)
	}
}

// each calls do in every state in which a server may find the tables.
func (f *filling) each(do func(state string)) {
	f.withoutVacuum()
	do("new")
	f.analyze()
	do("empty and analysed")
	f.fill()
	do("full, and empty when they were analysed")
	f.analyze()
	do("full and analysed")
	for _, table := range f.tables() {
		f.run("DELETE FROM later." + table)
	}
	do("empty, and full when they were analysed")
	f.analyze()
	do("empty, analysed, and large on the disk")
	f.fill()
	do("full, and empty but large on the disk when they were analysed")
}

// withoutVacuum: nobody else analyses the tables.
func (f *filling) withoutVacuum() {
	for _, table := range []string{"job", "waiting", "ready", "claimed", "finished", "attempt", "process", "progress", "log", "count"} {
		f.run("ALTER TABLE later." + table + " SET (autovacuum_enabled = off)")
	}
}

func (f *filling) analyze() {
	for _, table := range f.tables() {
		f.run("ANALYZE later." + table)
	}
}

func (f *filling) tables() (names []string) {
	f.run("SELECT array_agg(relname::text) FROM pg_class WHERE relkind = 'r' AND relnamespace = '"+f.s.schema+"'::regnamespace", &names)
	return names
}

// fill stores 50,000 jobs in each place but for those of people and processes,
// which are few.
func (f *filling) fill() {
	f.run(`
	INSERT INTO later.job (id, type, queue, priority, args, user_id, target_id, max_retries, timeout_us, queued_at)
	SELECT n, CASE WHEN n % 10000 = 0 THEN 'Rare' ELSE 'Type' || n % 7 END, 'queue' || n % 3, n % 2, '{}',
		CASE WHEN n % 2 = 0 THEN 'user' || n % 5000 END, CASE WHEN n % 3 = 0 THEN 'target' || n % 5000 END, 3, 0, now()
	FROM generate_series(1, 150000) AS n;
	INSERT INTO later.ready (job_id, position, priority, attempt, crashes, queue, type)
	SELECT id, id, priority, 0, 0, queue, type FROM later.job WHERE id <= 50000;
	INSERT INTO later.waiting (job_id, run_at, priority, kind, attempt, crashes, queue, type)
	SELECT id, now() + id * interval '1 second', priority, 1, 0, 0, queue, type FROM later.job WHERE id > 50000 AND id <= 100000;
	INSERT INTO later.finished (job_id, process_id, token, started_at, finished_at, status, attempt, crashes)
	SELECT id, 1, 1, now(), now(), CASE WHEN id % 1000 = 0 THEN 2 ELSE 1 END, 1, 0 FROM later.job WHERE id > 100000;
	INSERT INTO later.claimed (job_id, token, process_id, claimed_at, position, priority, attempt, crashes, queue, type)
	SELECT n, 1, n % 4, now(), n, 0, 0, 0, 'default', 'MyJob' FROM generate_series(200001, 201000) AS n;
	INSERT INTO later.attempt (job_id, token, process_id, finished_at, number, outcome)
	SELECT id, 1, 1, now(), 1, 'retried' FROM later.job WHERE id % 3 = 0;
	INSERT INTO later.process (id, beat, beat_at, started_at, pid, slots, state, host, version)
	SELECT n, 0, now(), now(), n, 10, 'running', 'here', '' FROM generate_series(0, 3) AS n;
	INSERT INTO later.operation_job (operation_id, job_id) SELECT n % 3, n FROM generate_series(1, 150000, 10) AS n;
	INSERT INTO later.count (status, jobs) SELECT 1, n FROM generate_series(1, 1000) AS n`)
}

var (
	planned   = regexp.MustCompile(`(?m)^(SELECT|INSERT|UPDATE|DELETE|WITH)\b`)
	parameter = regexp.MustCompile(`\$(\d+)`)
)

// planOf returns the steps of the generic plan, and what they look up in an index.
func planOf(t *testing.T, conn *pgx.Conn, name, text string) string {
	t.Helper()
	if !planned.MatchString(text) {
		return ""
	}
	most := 0
	for _, match := range parameter.FindAllStringSubmatch(text, -1) {
		var number int
		fmt.Sscan(match[1], &number)
		most = max(most, number)
	}
	arguments := ""
	if most > 0 {
		arguments = "(" + strings.Repeat("NULL, ", most-1) + "NULL)"
	}
	ctx := context.Background()
	if _, err := conn.PgConn().Exec(ctx, "PREPARE plan_of_"+name+" AS "+text).ReadAll(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	found, err := conn.Query(ctx, "EXPLAIN (COSTS OFF) EXECUTE plan_of_"+name+arguments, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	lines, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return steps(lines)
}

var (
	step = regexp.MustCompile(`^\S|->|^\s*(CTE|SubPlan|InitPlan|Index Cond)`)
)

func steps(lines []string) string {
	var plan strings.Builder
	for _, line := range lines {
		if step.MatchString(line) {
			plan.WriteString("  " + strings.TrimRight(line, " ") + "\n")
		}
	}
	return plan.String()
}
