package dashboard

import (
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

// TestQueuesAreGrouped by how their names begin, where at least two begin so.
func TestQueuesAreGrouped(t *testing.T) {
	for names, want := range map[string]string{
		"":                                  "",
		"mail":                              ": mail",
		"mail.eu media mail.us":             ": media; mail.: mail.eu mail.us",
		"a/b/c a/d .x .y mail.eu mail":      ": mail.eu mail; a/: a/b/c a/d; .: .x .y",
		"mail.eu default mail/us mail.asia": ": default mail/us; mail.: mail.eu mail.asia",
	} {
		var rows []queueRow
		for _, name := range strings.Fields(names) {
			rows = append(rows, queueRow{QueueStats: later.QueueStats{Name: name, Pending: 2, Running: 1}})
		}
		var got []string
		for _, g := range groups(rows) {
			text := g.Name + ":"
			for _, q := range g.Queues {
				text += " " + q.Name
			}
			got = append(got, text)
			if g.Pending() != 2*int64(len(g.Queues)) || g.Running() != int64(len(g.Queues)) {
				t.Errorf("%s: %d pending, %d running", text, g.Pending(), g.Running())
			}
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("%s: %q, want %q", names, text, want)
		}
	}
}
