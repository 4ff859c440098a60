package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// audited is an entry with the jobs that it names.
type audited struct {
	store.AuditEntry
	of []int64
}

// note keeps who has changed something.
func (r *Reference) note(by *store.AuditEntry, changed []int64, now time.Time) {
	if by == nil {
		return
	}
	r.lastEntry++
	e := audited{AuditEntry: *by, of: changed[:min(len(changed), store.AuditedJobs)]}
	e.ID, e.Jobs = r.lastEntry, int64(len(changed))
	if e.At.IsZero() {
		e.At = now
	}
	r.audit = append(r.audit, e)
}

// noteJobs keeps who has changed jobs, if any were.
func (r *Reference) noteJobs(by *store.AuditEntry, changed []int64, now time.Time) {
	if len(changed) > 0 {
		r.note(by, changed, now)
	}
}

// Audit returns entries of the audit.
func (r *Reference) Audit(ctx context.Context, f store.AuditFilter) (found []store.AuditEntry, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	for _, e := range slices.Backward(r.audit) {
		miss := f.Person != "" && f.Person != e.Person || f.Source != "" && f.Source != e.Source || f.Action != "" && f.Action != e.Action ||
			f.Kind != "" && f.Kind != e.Kind || f.Target != "" && f.Target != e.Target ||
			f.Job != 0 && !slices.Contains(e.of, f.Job) || f.Before != 0 && e.ID >= f.Before
		if !miss && len(found) < f.Page() {
			found = append(found, e.AuditEntry)
		}
	}
	return found, nil
}

func (r *Reference) forgetAudit(now time.Time) {
	r.audit = slices.DeleteFunc(r.audit, func(e audited) bool { return e.At.Before(now.Add(-store.AuditKept)) })
}
