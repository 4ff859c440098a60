package dashboard

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/laterjobs/later"
)

// findingRow is a finding with the button that mends it, or leads to where it can be
// mended.
type findingRow struct {
	later.Finding
	Label  string            `json:"-"` // of the button; empty: there is none, or the user may not
	Post   string            `json:"-"` // the action that it posts
	Link   string            `json:"-"` // or the page that it leads to, from the root
	Fields map[string]string `json:"-"`
}

// Wrong reports whether somebody should do something.
func (f findingRow) Wrong() bool { return f.Severity != later.SeverityInfo }

func (v *view) findings(report later.Findings) []findingRow {
	rows := make([]findingRow, len(report.Findings))
	for i, f := range report.Findings {
		rows[i] = v.finding(f)
	}
	return rows
}

func (v *view) finding(f later.Finding) findingRow {
	row := findingRow{Finding: f}
	post := func(needs Permission, label, verb, field, value string) {
		if v.User.Can(needs) {
			row.Label, row.Post, row.Fields = label, verb, map[string]string{field: value}
		}
	}
	id, process := strconv.FormatInt(f.Fix.Job, 10), strconv.FormatInt(f.Fix.Process, 10)
	switch f.Fix.Action {
	case "resume":
		post(Pause, "Resume", "resume", "queue", f.Fix.Queue)
	case "retry":
		post(Retry, "Retry", "retry", "id", id)
	case "run":
		post(Retry, "Run now", "run", "id", id)
	case "cancel":
		post(Cancel, "Cancel", "cancel", "id", id)
	case "stack":
		post(Cancel, "Stack now", "stack", "id", id)
	case "resume-process":
		post(Pause, "Resume", "resume-process", "process", process)
	case "resume-schedule":
		post(Pause, "Resume", "resume-schedule", "schedule", f.Fix.Schedule)
	case "show-process":
		row.Label, row.Link = "Show it", "processes/"+process
	case "show-schedules":
		row.Label, row.Link = "Show it", "schedules/"
	case "show-causes":
		row.Label, row.Link = "Show errors", "errors/"
	case "show":
		row.Label, row.Link = "Show them", "jobs/?q="+escape(f.Fix.Query)
		if f.Fix.Job != 0 {
			row.Label, row.Link = "Show it", "jobs/"+id
		}
	}
	return row
}

// doctor keeps what needs a person for a moment, however many look.
type doctor struct {
	mu     sync.Mutex
	at     time.Time
	report later.Findings
}

// For how long: the overview shows the findings, the title of every page how many.
const (
	doctorKept   = 2 * time.Second
	problemsKept = 15 * time.Second
)

// attention is what needs a person, the worst first.
func (b *board) attention(v *view) ([]findingRow, error) {
	b.doctor.mu.Lock()
	defer b.doctor.mu.Unlock()
	if _, err := b.examine(v.context(), doctorKept); err != nil {
		return nil, err
	}
	var rows []findingRow
	for _, row := range v.findings(b.doctor.report) {
		if row.Wrong() {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// examine looks at the system, unless somebody has not long ago: anew says which. It needs
// the lock.
func (b *board) examine(ctx context.Context, kept time.Duration) (anew bool, err error) {
	if time.Since(b.doctor.at) <= kept {
		return false, nil
	}
	report, err := b.queue.Doctor(ctx)
	if err == nil {
		b.doctor.report, b.doctor.at = report, time.Now()
	}
	return err == nil, err
}

// stats are the counts of now. To count is most of what a page costs: one that will look
// at the system anyway, after so long, does both at once.
func (b *board) stats(v *view, kept time.Duration) (later.Stats, error) {
	b.doctor.mu.Lock()
	anew, err := b.examine(v.context(), kept)
	stats := b.doctor.report.Stats
	b.doctor.mu.Unlock()
	if err == nil && !anew {
		stats, err = b.queue.Stats(v.context())
	}
	return stats, err
}

// Problems is how much needs a person, for the title of every page: it may be a little
// out of date.
func (v *view) Problems() int {
	if v.Problem != nil {
		return 0 // it may be that the store cannot be reached, or that nobody may look
	}
	b := v.board
	b.doctor.mu.Lock()
	defer b.doctor.mu.Unlock()
	if _, err := b.examine(v.context(), problemsKept); err != nil {
		return 0
	}
	return b.doctor.report.Bad()
}

// changed lets the next page look anew.
func (b *board) changed() {
	b.doctor.mu.Lock()
	defer b.doctor.mu.Unlock()
	b.doctor.at = time.Time{}
}
