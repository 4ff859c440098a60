package storetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// The moves of a job from one place to the next.

func (r *Reference) ready(k *kept, position int64) {
	k.leave()
	k.job.Status, k.position = store.Pending, position
	r.wake(store.Wake{Work: true})
}

func (r *Reference) wait(k *kept, status store.JobStatus, runAt time.Time, reason string) {
	k.leave()
	k.job.Status, k.job.NextRunAt, k.job.Reason = status, runAt, reason
	r.wake(store.Wake{Work: true})
}

func (r *Reference) finish(k *kept, status store.JobStatus, text string, o store.Outcome) {
	process := k.job.ProcessID
	k.leave()
	r.free(k, store.UniqueUntilDone, store.UniqueWhileWaiting)
	k.job.Status, k.job.Error, k.job.Result, k.job.ProcessID = status, text, o.Result, process
	k.job.StartedAt, k.job.FinishedAt = o.StartedAt, o.FinishedAt
	r.wake(store.Wake{Finished: true})
}

// leave clears what belongs to the place that a job leaves.
func (k *kept) leave() {
	k.cancelled = nil
	k.job.Token, k.job.ProcessID, k.job.StartedAt, k.job.FinishedAt, k.job.NextRunAt = 0, 0, time.Time{}, time.Time{}, time.Time{}
	k.job.Reason, k.job.Error, k.job.Result, k.job.Cause = "", "", nil, 0
}

// show is a job as people see it.
func (r *Reference) show(k *kept) store.Job {
	job := k.job
	job.Tags = slices.Clone(job.Tags)
	job.Attempt = k.counted
	job.CancelRequested = k.cancelled != nil
	if job.Status.Finished() {
		return job
	}
	for _, a := range k.attempts {
		if a.Outcome == store.AttemptRetried || a.Outcome == store.AttemptProgressed {
			job.Error = a.Error
		}
		if job.Status != store.Running {
			job.ProcessID, job.StartedAt = a.ProcessID, a.StartedAt
		}
	}
	if job.Status == store.Running {
		job.Attempt++
	}
	return job
}

// Report stores what running jobs say of themselves.
func (r *Reference) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	for _, report := range reports {
		k := r.jobs[report.JobID]
		if k == nil || k.job.Status != store.Running || k.job.Token != report.Token {
			continue
		}
		if report.Progress != nil {
			k.job.Progress = *report.Progress
			if k.job.Progress.At.IsZero() {
				k.job.Progress.At = orNow(now)
			}
		}
		if report.Metadata != nil {
			k.job.Metadata = slices.Clone(report.Metadata)
		}
		if report.Tags != nil {
			k.job.Tags = slices.Clone(report.Tags)
		}
		for _, line := range report.Lines {
			line.JobID = report.JobID
			k.log = append(k.log, line)
		}
		if report.CutLog {
			k.cutLog()
		}
	}
	return nil
}

// cutLog keeps the newest lines.
func (k *kept) cutLog() {
	size := 0
	for i := len(k.log) - 1; i >= 0; i-- {
		if size += len(k.log[i].Message) + len(k.log[i].Attrs); size > store.LogKept {
			k.log = slices.Clone(k.log[i+1:])
			return
		}
	}
}

// Join makes a process known.
func (r *Reference) Join(ctx context.Context, p store.Process, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	if r.processes[p.ID] != nil {
		return fmt.Errorf("process %d: %w", p.ID, store.ErrConflict)
	}
	for _, t := range p.Types {
		t.SeenAt = orNow(now)
		r.types[t.Name] = t
	}
	p.Types, p.Beat, p.BeatAt, p.Queues = nil, 0, orNow(now), maps.Clone(p.Queues)
	p.Performs = slices.Clone(p.Performs)
	r.processes[p.ID] = &p
	return nil
}

// Beat raises the beat of a process.
func (r *Reference) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	if err := r.begin(ctx); err != nil {
		return store.Beaten{}, err
	}
	defer r.mu.Unlock()
	p := r.processes[h.ProcessID]
	if p == nil {
		return store.Beaten{}, fmt.Errorf("process %d: %w", h.ProcessID, store.ErrProcessGone)
	}
	p.Beat, p.BeatAt, p.State = p.Beat+1, orNow(now), h.State
	holds := map[store.Claimed]bool{}
	for _, c := range h.Held {
		holds[store.Claimed{JobID: c.JobID, Token: c.Token}] = true
	}
	beaten := store.Beaten{Searched: h.Search}
	for _, k := range r.heldBy(h.ProcessID) {
		if !h.Search && !holds[store.Claimed{JobID: k.job.ID, Token: k.job.Token}] {
			continue
		}
		beaten.Claims = append(beaten.Claims, store.Claimed{JobID: k.job.ID, Token: k.job.Token, ClaimedAt: k.job.StartedAt})
		if k.cancelled != nil {
			beaten.Cancels = append(beaten.Cancels, store.CancelRequest{JobID: k.job.ID, Reason: *k.cancelled})
		}
	}
	beaten.Requests = r.openRequests(h.ProcessID, orNow(now))
	return beaten, nil
}

// heldBy lists the jobs in the hands of a process, by id.
func (r *Reference) heldBy(processID int64) []*kept {
	return r.selected(func(k *kept) bool { return k.job.Status == store.Running && k.job.ProcessID == processID })
}

// selected lists the jobs that fit, by id.
func (r *Reference) selected(fits func(*kept) bool) (found []*kept) {
	for _, k := range r.jobs {
		if fits(k) {
			found = append(found, k)
		}
	}
	slices.SortFunc(found, func(a, b *kept) int { return cmp.Compare(a.job.ID, b.job.ID) })
	return found
}

// Leave removes a process and releases what it still has.
func (r *Reference) Leave(ctx context.Context, processID int64, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	delete(r.processes, processID)
	for _, k := range r.heldBy(processID) {
		r.end(k, store.Outcome{Kind: store.Release}, orNow(now))
	}
	return nil
}

// Recover takes back the jobs of dead processes.
func (r *Reference) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	for _, s := range silent {
		if p := r.processes[s.ProcessID]; p != nil && p.Beat == s.Beat {
			delete(r.processes, s.ProcessID)
		}
	}
	lost := r.selected(func(k *kept) bool { return k.job.Status == store.Running && r.processes[k.job.ProcessID] == nil })
	slices.SortStableFunc(lost, func(a, b *kept) int { return cmp.Compare(a.job.ProcessID, b.job.ProcessID) })
	var recovered []store.Recovered
	for _, k := range lost {
		recovered = append(recovered, r.takeBack(k, orNow(now)))
	}
	return recovered, nil
}

func (r *Reference) takeBack(k *kept, now time.Time) store.Recovered {
	k.job.Crashes++
	k.record(store.AttemptCrashed, k.job.Token, k.counted+1, k.job.StartedAt, now, store.CrashedReason, "")
	back := store.Recovered{JobID: k.job.ID, ProcessID: k.job.ProcessID, Type: k.job.Type, Crashes: k.job.Crashes}
	o := store.Outcome{StartedAt: k.job.StartedAt, FinishedAt: now}
	switch {
	case k.cancelled != nil:
		r.finish(k, store.Cancelled, *k.cancelled, o)
	case k.job.Crashes >= store.MaxCrashes:
		r.finish(k, store.Failed, store.CrashedReason, o)
		cause := store.CrashCause(k.job.Type, now)
		k.job.Cause = cause.ID
		r.recordCauses([]store.Cause{cause}, now)
	default:
		r.ready(k, r.next())
	}
	back.Status = k.job.Status
	return back
}
