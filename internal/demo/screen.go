package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later"
)

// screen shows the jobs: drawn again and again on a terminal, else a line for
// each change.
type screen struct {
	*demo
	began time.Time
	lines int // drawn last time
	shown map[int64]later.JobStatus
	mails int
}

func newScreen(d *demo) *screen {
	return &screen{demo: d, began: time.Now(), shown: map[int64]later.JobStatus{}}
}

func (s *screen) draw() {
	switch {
	case s.JSON:
	case s.Height != nil:
		s.redraw()
	default:
		s.printChanges()
	}
}

const (
	// maxShown bounds the jobs on a terminal.
	maxShown = 16
	// around is how many lines there are above and below them.
	around = 14
)

// colours are the ANSI colours of the statuses.
var colours = map[later.JobStatus]string{
	later.StatusScheduled: "36", later.StatusPending: "37", later.StatusRunning: "34", later.StatusRetrying: "33",
	later.StatusCompleted: "32", later.StatusFailed: "31", later.StatusCancelled: "35",
}

func (s *screen) redraw() {
	var b strings.Builder
	b.WriteString("\x1b[?7l") // what is too long for a line is cut, not wrapped
	if s.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.lines) // back to the first line
	}
	lines := s.frame()
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J\x1b[?7h")
	s.lines = len(lines)
	fmt.Fprint(s.Out, b.String())
}

func (s *screen) frame() []string {
	status := s.queue.Status()
	lines := []string{
		fmt.Sprintf("\x1b[1mlater demo\x1b[0m   %s   slots %d of %d   %s",
			time.Since(s.began).Round(time.Second), status.Slots.Used, status.Slots.Max, s.Name),
		"",
	}
	jobs, room := s.stage.promises, max(1, min(maxShown, s.Height()-around))
	for _, p := range jobs[max(0, len(jobs)-room):] {
		lines = append(lines, row(p))
	}
	count, mails := s.mailbox.Taken()
	lines = append(lines, "", fmt.Sprintf("\x1b[1mmails taken by the local server: %d\x1b[0m", count))
	for _, mail := range mails[max(0, len(mails)-4):] {
		lines = append(lines, "  "+mail.To+": "+mail.Subject)
	}
	if !s.Headless {
		lines = append(lines, "", "the dashboard is at \x1b[1m"+s.web.Address+"\x1b[0m, the mails at "+s.web.Address+"mail/",
			"what to try: "+s.web.Address+"help/demo.md", "ctrl-C ends the demo")
	}
	return lines
}

func row(p *promise) string {
	detail := p.story
	if p.job.Status == later.StatusRunning && p.job.Progress.Total > 0 {
		detail += "  " + bar(p.job.Progress)
	}
	if p.job.Error != "" {
		detail += "  \x1b[2m" + cut(p.job.Error, 48) + "\x1b[0m"
	}
	return fmt.Sprintf("%5d  %-16s  \x1b[%sm%-9s\x1b[0m  %s", p.job.ID, p.job.Type, colours[p.job.Status], p.job.Status, detail)
}

func bar(p later.Progress) string {
	const width = 16
	full := int(min(width, width*p.Done/max(1, p.Total)))
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

func cut(s string, width int) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return s
}

func (s *screen) printChanges() {
	if s.web != nil && len(s.shown) == 0 {
		fmt.Fprintf(s.Out, "the dashboard is at %s and the mails at %[1]smail/; what to try: %[1]shelp/demo.md; ctrl-C ends the demo\n", s.web.Address)
	}
	for _, p := range s.stage.promises {
		if s.shown[p.job.ID] == p.job.Status {
			continue
		}
		s.shown[p.job.ID] = p.job.Status
		fmt.Fprintf(s.Out, "%6.1fs  job %-3d %-16s %-10s %s\n",
			time.Since(s.began).Seconds(), p.job.ID, p.job.Type, p.job.Status, cut(strings.TrimSuffix(p.story+": "+p.job.Error, ": "), 90))
	}
	count, mails := s.mailbox.Taken()
	for _, mail := range mails[len(mails)-min(len(mails), count-s.mails):] {
		fmt.Fprintf(s.Out, "%6.1fs  mail to %s: %s\n", time.Since(s.began).Seconds(), mail.To, mail.Subject)
	}
	s.mails = count
}

// end shows the report.
func (s *screen) end(report Report) {
	s.draw()
	if s.JSON {
		encoder := json.NewEncoder(s.Out)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(report) // a writer that fails cannot be told so
		return
	}
	var counts []string
	for status, n := range report.Counts {
		counts = append(counts, fmt.Sprintf("%d %s", n, status))
	}
	slices.Sort(counts)
	fmt.Fprintf(s.Out, "\n%s; %d mails taken\n", strings.Join(counts, ", "), report.Mails)
}
