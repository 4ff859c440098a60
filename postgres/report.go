package postgres

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
	c := newReporting(reports, s.orNow(now))
	return s.work.do(ctx, &request{run: func(r *session) error { return c.run(r, "report_details") }})
}

// Report stores what running jobs say of themselves when the transaction commits.
func (t *userTx) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	if len(reports) == 0 {
		return ctx.Err()
	}
	if err := t.belongs(ctx); err != nil {
		return err
	}
	c := newReporting(reports, t.store.orNow(now))
	return t.store.classify(ctx, c.run(&session{t.store, ctx, t.on}, "report_details_patiently"))
}

// reporting is reports as columns.
type reporting struct {
	jobs, tokens, done, total []int64
	at                        []time.Time
	messages                  []string

	lineJobs, lineTokens             []int64
	lineAttempts                     []int32
	lineTimes                        []time.Time
	lineLevels, lineTexts, lineAttrs []string

	cutJobs, cutTokens []int64

	detailJobs, detailTokens []int64
	metadata, tags           []string // empty: unchanged
}

// run stores the reports. details is the statement for metadata and tags.
func (c *reporting) run(s *session, details string) error {
	if len(c.done) > 0 {
		if _, err := s.exec("report_progress", c.jobs, c.tokens, c.done, c.total, c.at, c.messages); err != nil {
			return err
		}
	}
	if len(c.lineTexts) > 0 {
		if _, err := s.exec("report_lines", c.lineJobs, c.lineTokens, c.lineAttempts, c.lineTimes, c.lineLevels, c.lineTexts, c.lineAttrs); err != nil {
			return err
		}
	}
	if len(c.cutJobs) > 0 {
		if _, err := s.exec("cut_logs", c.cutJobs, c.cutTokens, store.LogKept); err != nil {
			return err
		}
	}
	if len(c.detailJobs) == 0 {
		return nil
	}
	_, err := s.exec(details, c.detailJobs, c.detailTokens, c.metadata, c.tags)
	return err
}

func newReporting(reports []store.Report, now time.Time) *reporting {
	c := &reporting{}
	latest := map[claimKey]int{} // one row can be stored once in a statement
	for _, report := range reports {
		if report.Progress != nil {
			c.progress(latest, claimKey{report.JobID, report.Token}, *report.Progress, now)
		}
		for _, line := range report.Lines {
			c.lineJobs, c.lineTokens = append(c.lineJobs, report.JobID), append(c.lineTokens, report.Token)
			c.lineAttempts, c.lineTimes = append(c.lineAttempts, int32(line.Attempt)), append(c.lineTimes, line.At)
			c.lineLevels, c.lineTexts = append(c.lineLevels, line.Level), append(c.lineTexts, line.Message)
			c.lineAttrs = append(c.lineAttrs, textOf(line.Attrs))
		}
		if report.CutLog {
			c.cutJobs, c.cutTokens = append(c.cutJobs, report.JobID), append(c.cutTokens, report.Token)
		}
	}
	for _, report := range store.LastDetails(reports) {
		tags := arrayText(report.Tags)
		if report.Tags != nil && tags == "" {
			tags = "{}"
		}
		c.detailJobs, c.detailTokens = append(c.detailJobs, report.JobID), append(c.detailTokens, report.Token)
		c.metadata, c.tags = append(c.metadata, textOf(report.Metadata)), append(c.tags, tags)
	}
	return c
}

func (c *reporting) progress(latest map[claimKey]int, key claimKey, p store.Progress, now time.Time) {
	at := p.At
	if at.IsZero() {
		at = now
	}
	if i, known := latest[key]; known {
		c.done[i], c.total[i], c.at[i], c.messages[i] = p.Done, p.Total, at, p.Message
		return
	}
	latest[key] = len(c.jobs)
	c.jobs, c.tokens = append(c.jobs, key.id), append(c.tokens, key.token)
	c.done, c.total = append(c.done, p.Done), append(c.total, p.Total)
	c.at, c.messages = append(c.at, at), append(c.messages, p.Message)
}
