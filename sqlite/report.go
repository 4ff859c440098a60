package sqlite

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// Report stores what running jobs say of themselves.
func (s *Store) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	if len(reports) == 0 {
		return ctx.Err()
	}
	now = orNow(now)
	r := &request{rank: rankControl, size: rowSize * len(reports), run: func(s *session) error { return report(s, reports, now) }}
	for _, one := range reports {
		r.size += len(one.Metadata)
	}
	return s.do(ctx, r)
}

// Report stores what running jobs say of themselves when the transaction commits.
func (t *userTx) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	if len(reports) == 0 {
		return ctx.Err()
	}
	return t.run(ctx, func(s *session) error { return report(s, reports, orNow(now)) })
}

func report(s *session, reports []store.Report, now time.Time) error {
	var progress, lines, cuts, details rows
	for _, one := range reports {
		writeProgress(&progress, one, now)
		writeLines(&lines, one)
	}
	writeCuts(&cuts, reports)
	writeDetails(&details, reports)
	if err := s.execRows("report_progress", &progress); err != nil {
		return err
	}
	if err := s.execRows("report_lines", &lines); err != nil {
		return err
	}
	if err := s.execRows("cut_logs", &cuts, store.LogKept); err != nil {
		return err
	}
	return s.execRows("report_details", &details)
}

// writeDetails adds what the jobs' metadata and tags become.
func writeDetails(r *rows, reports []store.Report) {
	for _, one := range store.LastDetails(reports) {
		r.next()
		r.int(one.JobID).int(one.Token).raw(one.Metadata)
		if one.Tags == nil {
			r.null()
		} else {
			r.text(texts(one.Tags))
		}
	}
}

func writeProgress(r *rows, report store.Report, now time.Time) {
	p := report.Progress
	if p == nil {
		return
	}
	at := p.At
	if at.IsZero() {
		at = now
	}
	r.next()
	r.int(report.JobID).int(report.Token).int(p.Done).int(p.Total).text(p.Message).time(at)
}

func writeLines(r *rows, report store.Report) {
	for _, line := range report.Lines {
		r.next()
		r.int(report.JobID).int(report.Token).int(int64(line.Attempt)).int(line.At.UnixMicro())
		r.text(line.Level).text(line.Message).raw(line.Attrs)
	}
}

// writeCuts names the claims whose logs are to be cut, each once.
func writeCuts(r *rows, reports []store.Report) {
	type claim struct{ id, token int64 }
	seen := map[claim]bool{}
	for _, report := range reports {
		if c := (claim{report.JobID, report.Token}); report.CutLog && !seen[c] {
			seen[c] = true
			r.next()
			r.int(c.id).int(c.token)
		}
	}
}
