package sqlite

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// rowsOf are rows of int64, string or nil.
func rowsOf(table ...[]any) *rows {
	r := &rows{}
	for _, row := range table {
		r.next()
		for _, value := range row {
			switch v := value.(type) {
			case int:
				r.int(int64(v))
			case string:
				r.text(v)
			default:
				r.null()
			}
		}
	}
	return r
}

func TestTravels(t *testing.T) {
	const text = "SELECT value->>0, e.value->>1, value->>2 FROM jsonb_each(?1) AS e;"
	for name, c := range map[string]struct {
		rows       *rows
		text, json string
	}{
		"one row": {rowsOf([]any{1, "a", nil}), "SELECT ?2, ?3, ?4 FROM jsonb_each(?1) AS e;", `[0]`},
		"one column differs": {rowsOf([]any{7, "a", nil}, []any{8, "b", nil}),
			"SELECT (?2+key), e.value, ?3 FROM jsonb_each(?1) AS e;", `["a","b"]`},
		"all differs": {rowsOf([]any{7, "a", nil}, []any{9, nil, 1}, []any{9, "\x00\"", 2}),
			text, `[[7,"a",null],[9,null,1],[9,"\u0000\"",2]]`},
		"two differ": {rowsOf([]any{7, 3, "x"}, []any{9, 3, "y"}),
			"SELECT value->>0, ?2, value->>1 FROM jsonb_each(?1) AS e;", `[[7,"x"],[9,"y"]]`},
		"nothing differs": {rowsOf([]any{7, 3, "x"}, []any{7, 4, "x"}),
			"SELECT ?2, (?3+e.key), ?4 FROM jsonb_each(?1) AS e;", `[0,0]`},
		"what rises must not overflow": {rowsOf([]any{math.MaxInt64, 3, "x"}, []any{math.MinInt64, 3, "x"}),
			"SELECT value, ?2, ?3 FROM jsonb_each(?1) AS e;", fmt.Sprintf("[%d,%d]", math.MaxInt64, math.MinInt64)},
	} {
		how := make([]travel, c.rows.width())
		c.rows.travels(how)
		if got := tailoredText(text, how, 2); got != c.text {
			t.Errorf("%s: %s, want %s", name, got, c.text)
		}
		if got := c.rows.json(how); got != c.json {
			t.Errorf("%s: %s, want %s", name, got, c.json)
		}
	}
}

// TestTailoredStatements: whatever the jobs of a call have in common, each keeps its own,
// and a program with jobs of all kinds does not prepare ever more statements.
func TestTailoredStatements(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for kinds := range 1 << 6 {
		jobs := make([]store.NewJob, 3)
		for i := range jobs {
			pick := func(bit int, value string) string {
				if kinds>>bit&1 == 1 {
					return fmt.Sprint(value, i*i)
				}
				return value
			}
			jobs[i] = store.NewJob{Type: pick(0, "MyJob"), Queue: pick(1, "default"), UserID: pick(2, "u"), TargetID: pick(3, "t"),
				Args: []byte(pick(4, "1")), MaxRetries: 25 + kinds>>5&1*i*i}
		}
		stored, err := s.Enqueue(t.Context(), jobs, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range jobs {
			got, err := s.Get(t.Context(), stored[i].ID)
			if err != nil || got.Type != want.Type || got.Queue != want.Queue || got.UserID != want.UserID || got.TargetID != want.TargetID ||
				string(got.Args) != string(want.Args) || got.MaxRetries != want.MaxRetries {
				t.Errorf("job %d of kind %b: %+v, %v, want %+v", i, kinds, got, err, want)
			}
		}
	}
	if made := tailored.made["insert_new_jobs"]; made != maxTailored {
		t.Errorf("%d statements to insert jobs, want %d", made, maxTailored)
	}
}
