package latercli

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/laterjobs/later"
)

// topChrome is how many lines stand above and below the rows of a page.
const topChrome = 6

func (m *topScreen) View() tea.View {
	lines := []string{m.head(), m.speeds(), m.tabs()}
	switch {
	case m.helping:
		lines = append(lines, topHelp...)
	case m.opened != nil:
		for _, line := range m.opened[min(m.scroll, len(m.opened)):] {
			lines = append(lines, printable(line))
		}
	default:
		lines = append(lines, m.body()...)
	}
	room := max(m.height-1, 3)
	if len(lines) > room {
		lines = lines[:room]
	}
	for len(lines) < room {
		lines = append(lines, "")
	}
	for i, line := range lines {
		if !strings.Contains(line, "\x1b") { // what is coloured has been fitted
			lines[i] = cut(line, m.width)
		}
	}
	text := strings.Join(append(lines, m.foot()), "\n")
	if m.plain {
		text = plainCharacters.Replace(text)
	}
	view := tea.NewView(text)
	view.AltScreen = true
	view.WindowTitle = "later top"
	return view
}

// head says what is looked at, and what there is.
func (m *topScreen) head() string {
	state := "live"
	switch {
	case m.trouble != nil:
		state = "no answer: " + oneLine(m.trouble.Error(), 60)
	case m.frozen:
		state = "frozen"
	case !m.looked:
		state = "looking…"
	}
	parts := []string{"later top"}
	if m.store != "" {
		parts = append(parts, oneLine(printable(m.store), 40))
	}
	parts = append(parts, m.now.At.In(m.zone).Format("15:04:05 MST"), printable(state), countsLine(m.now.Stats))
	return strings.Join(parts, "  ")
}

// speeds says how fast jobs become fewer, and how much is wrong.
func (m *topScreen) speeds() string {
	used, slots := int64(0), 0
	for _, q := range m.now.Stats.Queues {
		used += q.Running
	}
	for _, p := range m.now.Processes {
		if claims(p, m.now.At) {
			slots += p.Slots
		}
	}
	late := &m.now.past.late
	text := fmt.Sprintf("slots %d/%d  done %d/s %s", used, slots, m.rate(), sparkline(m.rates()))
	if late.Wait.Count() > 0 {
		text += "  wait p95 " + span(late.Wait.Quantile(0.95))
	}
	if late.Run.Count() > 0 {
		text += "  run p95 " + span(late.Run.Quantile(0.95))
	}
	text += fmt.Sprintf("  failed %d/h", m.now.past.failed)
	marks := map[later.FindingSeverity]int{}
	for _, problem := range m.now.Problems {
		marks[problem.Severity]++
	}
	for _, severity := range []later.FindingSeverity{later.SeverityError, later.SeverityWarning} {
		if n := marks[severity]; n > 0 {
			text += fmt.Sprintf("  %s %d", severityMarks[severity], n)
		}
	}
	return text
}

// rates are how many jobs were finished between one look and the next.
func (m *topScreen) rates() (rates []int64) {
	for i := 1; i < len(m.outs); i++ {
		rates = append(rates, max(0, m.outs[i]-m.outs[i-1]))
	}
	return rates
}

func (m *topScreen) rate() int64 {
	rates := m.rates()
	if len(rates) == 0 {
		return 0
	}
	return rates[len(rates)-1]
}

// sparkline draws numbers in one line.
func sparkline(numbers []int64) string {
	most := int64(1)
	for _, n := range numbers {
		most = max(most, n)
	}
	var b strings.Builder
	for _, n := range numbers {
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[n*7/most])
	}
	return b.String()
}

func (m *topScreen) tabs() string {
	var parts []string
	for i, name := range pageNames {
		text := fmt.Sprintf("%d %s", i+1, name)
		if n := len(m.now.Problems); i == pageProblems && n > 0 {
			text += fmt.Sprintf(" (%d)", n)
		}
		if i == m.page {
			text = "[" + text + "]"
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, "  ")
	if m.filter != "" && m.page == pageJobs {
		text += "   / " + printable(m.filter)
	}
	return text
}

func (m *topScreen) foot() string {
	switch {
	case m.typing:
		return cut("/ "+printable(m.typed)+"▏ "+printable(oneLine(m.message, m.width)), m.width)
	case m.asking != nil:
		return cut(printable(oneLine(m.asking.question, m.width-6))+" [y/N]", m.width)
	case m.message != "":
		return cut(printable(oneLine(m.message, m.width)), m.width)
	}
	return cut("Enter open  e why  / filter  x tick  r retry  c cancel  D delete  p pause  Space freeze  ? help  q quit", m.width)
}

var topHelp = []string{
	"",
	"  1–6, Tab      the pages             j k ↓ ↑ g G   move",
	"  Enter         open a job, a process, a schedule, a problem; the jobs of a queue or an error",
	"  e             why the job is, or is not, running",
	"  /             select jobs: a query as in the dashboard and in --where",
	"  x             tick a job             Esc           untick all",
	"  r c D         retry, cancel, delete the ticked jobs, or the one under the cursor (asks)",
	"                r c of an error: all jobs that failed of it; r of a schedule: run it now",
	"  p             pause or resume a queue or a schedule, drain or resume a process (asks)",
	"  f             mend a problem, if that is safe (asks)",
	"  Space .       freeze, and go on",
	"  q             back, or quit",
	"",
	"  Any key closes this.",
}

// body is the rows of the page around the cursor.
func (m *topScreen) body() []string {
	rows := m.rows()
	room := max(m.height-topChrome, 1)
	first := max(0, min(m.row-room/2, len(rows)-1-room))
	shown := [][]string{rows[0]}
	shown = append(shown, rows[min(first+1, len(rows)):min(first+1+room, len(rows))]...)
	for i := range shown {
		mark := " "
		if i > 0 && first+i-1 == m.row {
			mark = ">"
		}
		if i > 0 && m.page == pageJobs && m.ticked[m.now.jobs[first+i-1].ID] {
			mark += "✓"
		}
		cells := append([]string{mark}, shown[i]...)
		for n := range cells {
			cells[n] = oneLine(cells[n], 200)
		}
		shown[i] = cells
	}
	if len(rows) == 1 {
		return append(strings.Split(strings.TrimRight(m.layout(shown, m.width, true), "\n"), "\n"), "", "  nothing here")
	}
	return strings.Split(strings.TrimRight(m.layout(shown, m.width, true), "\n"), "\n")
}
