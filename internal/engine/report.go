package engine

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

const (
	// reportPause is the least time between two flushes of what jobs report.
	reportPause = 250 * time.Millisecond
	// reportEvery is the fallback; reports themselves nudge the loop.
	reportEvery = 5 * time.Second
	// maxLines bounds the log lines that wait in memory; more are dropped.
	maxLines = 10_000
)

// Progress says how far the job is. The newest word wins; it reaches the store
// within a second.
func (r *Run) Progress(p store.Progress) {
	if r.engine == nil {
		return
	}
	p.Message, p.At = sanitize(p.Message), r.engine.now()
	r.engine.addReport(r.Job, func(report *store.Report) { report.Progress = &p })
}

// Log adds a line to the job's own log.
func (r *Run) Log(line store.LogLine) {
	if r.engine == nil {
		return
	}
	line.JobID, line.Attempt, line.Message = r.Job.ID, r.Job.Attempt, sanitize(line.Message)
	r.engine.addReport(r.Job, func(report *store.Report) {
		if r.engine.pending < maxLines {
			r.engine.pending++
			report.Lines = append(report.Lines, line)
			report.CutLog = r.mustCut(len(line.Message)+len(line.Attrs)) || report.CutLog
		}
	})
}

// mustCut reports whether the log may have become too long by so many bytes more: once
// for each performing, since nobody knows how long it was, and then by counting.
func (r *Run) mustCut(more int) bool {
	r.logged += more
	if r.logCut && r.logged <= store.MaxLog-store.LogKept {
		return false
	}
	r.logCut, r.logged = true, 0
	return true
}

func (e *Engine) addReport(job *store.Job, add func(*store.Report)) {
	e.mu.Lock()
	key := claim{job.ID, job.Token}
	if e.reports[key] == nil {
		e.reports[key] = &store.Report{JobID: job.ID, Token: job.Token}
	}
	add(e.reports[key])
	e.mu.Unlock()
	nudge(e.reportSoon)
}

// report stores what all jobs have reported, then rests.
func (e *Engine) report(ctx context.Context) time.Duration {
	if e.storeReports(e.takeReports) > 0 {
		e.rest(ctx, reportPause)
	}
	return 0
}

// flushReports stores what the jobs of a batch have reported.
func (e *Engine) flushReports(batch []concluded) {
	e.storeReports(func() []store.Report {
		e.mu.Lock()
		defer e.mu.Unlock()
		if len(e.reports) == 0 {
			return nil
		}
		var reports []store.Report
		for _, c := range batch {
			if key := c.held.claim(); e.reports[key] != nil {
				reports = append(reports, e.takeReport(key))
			}
		}
		return reports
	})
}

func (e *Engine) takeReports() []store.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	reports := make([]store.Report, 0, len(e.reports))
	for key := range e.reports {
		reports = append(reports, e.takeReport(key))
	}
	return reports
}

func (e *Engine) takeReport(key claim) store.Report {
	report := *e.reports[key]
	delete(e.reports, key)
	e.pending -= len(report.Lines)
	return report
}

// storeReports stores what take returns, and says how many that were. One call
// at a time: what a job reported must not arrive after its outcome. It is best
// effort, since a report is no reason to hold back work.
func (e *Engine) storeReports(take func() []store.Report) int {
	select {
	case e.reporting <- struct{}{}:
		defer func() { <-e.reporting }()
	case <-e.verbs.Done():
		return 0
	}
	if e.verbs.Err() != nil {
		return 0 // of two reasons to go on the select may have chosen either
	}
	reports := take()
	if len(reports) == 0 {
		return 0
	}
	switch err := e.store.Report(e.verbs, reports, e.now()); {
	case err == nil:
		e.reportTrouble.over(e.log, "store reports of running jobs")
	case e.verbs.Err() == nil:
		e.reportTrouble.met(e.log, "store reports of running jobs", err)
	}
	return len(reports)
}

// rest waits, or until ctx ends.
func (e *Engine) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
