package postgres

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
)

// openPooled opens the store of a filling through PgBouncer.
func openPooled(t *testing.T, f *filling) *Store {
	t.Helper()
	s, err := Open(t.Context(), pgtest.Bouncer(t, f.url), Schema(f.s.schema), Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if !s.pooled {
		t.Fatal("the pooler was not noticed")
	}
	return s
}

// TestPlansThroughBouncer: the statements that run all the time have the same plans as
// without a pooler, whatever the statistics say.
func TestPlansThroughBouncer(t *testing.T) {
	t.Parallel()
	f := newFilling(t, "inside_pooled_plans")
	s := openPooled(t, f)
	types := []string{"MyJob", "Type1"}
	arguments := map[string][]any{
		"lanes": {false}, "suspected": {types, []string(nil)}, "next_due": {theBeginning}, "strangers": nil, "processes": nil,
		"beat":    {int64(1), time.Now(), "running", int64(0), []int64{200001, 7}, []int64{1, 1}},
		"promote": {time.Now(), 100, theBeginning},
		"claim":   {[]string{"queue1", "queue2"}, []int16{0, 0}, []int64{0, 0}, []int32{10, 10}, true, int64(10), types, false, int64(1), int64(1), time.Now(), []int64{99, 99}, true},
	}
	check := func(state string) {
		for name, args := range arguments {
			plan := f.planThroughPooler(s, name, args)
			checkPlan(t, name+" through the pooler, "+state, plan)
			checkSearches(t, name+" through the pooler, "+state, plan)
		}
	}
	f.withoutVacuum()
	f.analyze()
	f.fill()
	check("full, and empty when the tables were analysed")
	f.analyze()
	check("full and analysed")
}

func (f *filling) planThroughPooler(s *Store, name string, args []any) string {
	f.t.Helper()
	var lines []string
	err := s.work.link.use(f.t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		return s.own(ctx, conn).queryText(name, "EXPLAIN (COSTS OFF) "+s.query(name), func(r row) error {
			var line string
			err := r.Scan(&line)
			lines = append(lines, line)
			return err
		}, args...)
	})
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return steps(lines)
}

// TestSettingsThroughBouncer: every way on which statements travel sets what they rely
// on, for the length of a transaction. Nothing stays with the server's connections, which
// serve others.
func TestSettingsThroughBouncer(t *testing.T) {
	t.Parallel()
	f := newFilling(t, "inside_pooled")
	s := openPooled(t, f)
	const ask = "SELECT current_setting('enable_seqscan') || ' ' || current_setting('jit') || ' ' || current_setting('synchronous_commit')"
	for name, way := range map[string]func(context.Context, *pgx.Conn) (string, error){
		"off off on alone": func(ctx context.Context, conn *pgx.Conn) (string, error) {
			return askOn(s.own(ctx, conn), ask)
		},
		"off off on in a transaction": func(ctx context.Context, conn *pgx.Conn) (set string, err error) {
			err = s.inOwnTx(ctx, conn, true, func(r *session) (err error) {
				set, err = askOn(r, ask)
				return err
			})
			return set, err
		},
		"off off off in a transaction that need not survive": func(ctx context.Context, conn *pgx.Conn) (set string, err error) {
			err = s.inOwnTx(ctx, conn, false, func(r *session) (err error) {
				set, err = askOn(r, ask)
				return err
			})
			return set, err
		},
		"off off on in a batch": func(ctx context.Context, conn *pgx.Conn) (string, error) {
			p := &asking{text: ask}
			err := s.send(ctx, conn, []part{p}, true)
			return p.answer, err
		},
		"off off off in a batch that need not survive": func(ctx context.Context, conn *pgx.Conn) (string, error) {
			p := &asking{text: ask}
			err := s.send(ctx, conn, []part{p}, false)
			return p.answer, err
		},
	} {
		err := s.work.link.use(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
			set, err := way(ctx, conn)
			if !strings.HasPrefix(name, set) || set == "" {
				t.Errorf("%s: %s", name, set)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var left string
	if err := s.pool.QueryRow(t.Context(), ask).Scan(&left); err != nil || left != "on on on" {
		t.Errorf("left behind: %s, %v", left, err)
	}
}

func askOn(s *session, text string) (answer string, err error) {
	err = s.queryText("ask", text, func(r row) error { return r.Scan(&answer) })
	return answer, err
}

// asking is a part of a batch that asks.
type asking struct{ text, answer string }

func (a *asking) queue(b *pgx.Batch)                  { b.Queue(a.text) }
func (a *asking) read(answers pgx.BatchResults) error { return answers.QueryRow().Scan(&a.answer) }
func (a *asking) committed(*news)                     {}
