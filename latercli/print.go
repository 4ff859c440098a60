package latercli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/laterjobs/later"
)

// printable shows characters that could steer a terminal, or turn text around,
// as what they are.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd") // a single byte can steer some terminals too
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}

// oneLine makes text fit into a cell.
func oneLine(s string, width int) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return s
}

// when says how far a time is from now.
func when(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "–"
	case t.After(now):
		return "in " + span(t.Sub(now))
	}
	return span(now.Sub(t)) + " ago"
}

// span is a length of time in its two largest units, without the second if it is zero.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return units(int(d.Minutes()), "m", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return units(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	}
	return units(int(d.Hours())/24, "d", int(d.Hours())%24, "h")
}

func units(large int, name string, small int, smaller string) string {
	if small == 0 {
		return fmt.Sprintf("%d%s", large, name)
	}
	return fmt.Sprintf("%d%s%02d%s", large, name, small, smaller)
}

// attention is the one fact of a job that a person looks for next to its status.
func attention(job later.Job, now time.Time) string {
	switch job.Status {
	case later.StatusScheduled:
		return strings.TrimSpace(when(job.NextRunAt, now) + " " + job.Reason)
	case later.StatusRetrying:
		return when(job.NextRunAt, now) + ": " + job.Error
	case later.StatusRunning:
		if job.Progress.Total > 0 || job.Progress.Message != "" {
			return fmt.Sprintf("%d/%d %s", job.Progress.Done, job.Progress.Total, job.Progress.Message)
		}
		return "for " + span(now.Sub(job.StartedAt))
	}
	return job.Error
}

// isTerminal reports whether somebody watches what is written.
func isTerminal(w io.Writer) bool {
	_, ok := terminalOf(w)
	return ok
}

// say prints one fact.
func (a *app) say(what, name, state string) error {
	switch {
	case a.json():
		return a.printJSON(map[string]string{what: name, "state": state})
	case a.quiet:
		return printIDs(a, []string{name})
	}
	_, err := fmt.Fprintf(a.out, "%s %s is %s\n", what, printable(name), state)
	return err
}

// plural counts things.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// isTerminalReader reports whether somebody can answer.
func isTerminalReader(r io.Reader) bool {
	file, ok := r.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
