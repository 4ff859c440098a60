package engine

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

const (
	// reportPause is the least time between two flushes of what jobs report.
	reportPause = 250 * time.Millisecond
	// reportEvery is the fallback; reports themselves nudge the loop.
	reportEvery = 5 * time.Second
	// maxLines bounds the log lines of all jobs that wait in memory. Those of one job are
	// bounded to maxWaiting bytes, as many as its log keeps with a note of what is missing.
	// The oldest of a job make room for its next.
	maxLines   = 10_000
	maxWaiting = store.LogKept
	// lineSize is roughly what a line takes apart from its texts.
	lineSize = 128
)

// Progress says how far the job is. The newest word wins; it reaches the store
// within a second.
func (r *Run) Progress(p store.Progress) {
	if r.engine == nil {
		return
	}
	p.Message, p.At = sanitize(p.Message), r.engine.now()
	r.engine.addReport(r.Job, func(report *pendingReport) { report.Progress = &p })
}

// Describe gives the job other metadata, or other tags; nil leaves them. They are stored
// before the outcome is.
func (r *Run) Describe(metadata json.RawMessage, tags []string) {
	if r.engine != nil {
		r.engine.addReport(r.Job, func(report *pendingReport) { report.describe(metadata, tags) })
	}
}

// HoldReports keeps what the job reports until its attempt has ended. A transaction of
// the handler's has stored metadata and tags: if it is rolled back, they are stored again.
func (r *Run) HoldReports(metadata json.RawMessage, tags []string) {
	if r.engine == nil {
		return
	}
	r.engine.addReport(r.Job, func(report *pendingReport) {
		report.describe(metadata, tags)
		report.held = true
	})
}

// Log adds a line to the job's own log.
func (r *Run) Log(line store.LogLine) {
	if r.engine == nil {
		return
	}
	line.JobID, line.Attempt, line.Message = r.Job.ID, r.Job.Attempt, sanitize(line.Message)
	r.engine.addReport(r.Job, func(report *pendingReport) {
		before := len(report.Lines)
		report.add(line, r.engine.pending < maxLines)
		r.engine.pending += len(report.Lines) - before
		report.CutLog = r.mustCut(len(line.Message)+len(line.Attrs)) || report.CutLog
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

func (e *Engine) addReport(job *store.Job, add func(*pendingReport)) {
	e.mu.Lock()
	key := claim{job.ID, job.Token}
	if e.reports[key] == nil {
		e.reports[key] = &pendingReport{Report: store.Report{JobID: job.ID, Token: job.Token}}
	}
	add(e.reports[key])
	e.mu.Unlock()
	nudge(e.reportSoon)
}

// report stores what all jobs have reported, then rests.
func (e *Engine) report(ctx context.Context) time.Duration {
	if n, _ := e.storeReports(e.takeReports); n > 0 {
		e.rest(ctx, reportPause)
	}
	return 0
}

// flushReports stores what the jobs of a batch have reported. Metadata and tags wait out
// a store that cannot be reached, as outcomes do.
func (e *Engine) flushReports(batch []concluded) {
	trouble := trouble{dice: e.completing}
	for {
		_, err := e.storeReports(func() []store.Report { return e.takeReportsOf(batch) })
		if err == nil || !transient(err) || !e.waitsForDetails(batch) {
			return
		}
		e.rest(e.verbs, trouble.met(e.log, "store metadata and tags of jobs", err))
	}
}

func (e *Engine) takeReportsOf(batch []concluded) (reports []store.Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.reports) == 0 {
		return nil
	}
	for _, c := range batch {
		if key := c.held.claim(); e.reports[key] != nil {
			reports = append(reports, e.takeReport(key))
		}
	}
	return reports
}

func (e *Engine) waitsForDetails(batch []concluded) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.verbs.Err() == nil && slices.ContainsFunc(batch, func(c concluded) bool { return e.reports[c.held.claim()] != nil })
}

func (e *Engine) takeReports() []store.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	reports := make([]store.Report, 0, len(e.reports))
	for key, report := range e.reports {
		if !report.held {
			reports = append(reports, e.takeReport(key))
		}
	}
	return reports
}

func (e *Engine) takeReport(key claim) store.Report {
	report := e.reports[key]
	delete(e.reports, key)
	e.pending -= len(report.Lines)
	return report.complete(e.now())
}

// keepDetails takes metadata and tags back that could not be stored, unless the job has
// reported newer ones.
func (e *Engine) keepDetails(reports []store.Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, older := range store.LastDetails(reports) {
		key := claim{older.JobID, older.Token}
		if e.held[key] == nil {
			continue // nobody waits for its outcome any more
		}
		if e.reports[key] == nil {
			e.reports[key] = &pendingReport{Report: older}
			continue
		}
		newer := e.reports[key]
		metadata, tags := newer.Metadata, newer.Tags
		newer.describe(older.Metadata, older.Tags)
		newer.describe(metadata, tags)
	}
}

// storeReports stores what take returns, and says how many that were. One call
// at a time: what a job reported must not arrive after its outcome. Progress and log
// lines are best effort, since they are no reason to hold back work.
func (e *Engine) storeReports(take func() []store.Report) (int, error) {
	select {
	case e.reporting <- struct{}{}:
		defer func() { <-e.reporting }()
	case <-e.verbs.Done():
		return 0, nil
	}
	if e.verbs.Err() != nil {
		return 0, nil // of two reasons to go on the select may have chosen either
	}
	reports := take()
	if len(reports) == 0 {
		return 0, nil
	}
	err := e.store.Report(e.verbs, reports, e.now())
	switch {
	case err == nil:
		e.reportTrouble.over(e.log, "store reports of running jobs")
	case e.verbs.Err() == nil:
		if transient(err) {
			e.keepDetails(reports)
		}
		e.reportTrouble.met(e.log, "store reports of running jobs", err)
	}
	return len(reports), err
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
