package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// noting keeps the entry of one change, in however many transactions that comes.
type noting struct {
	by    *store.AuditEntry // nil: nobody is noted
	now   time.Time
	entry int64 // its id, once there is one that is committed
	jobs  int   // of how many the ids are kept
}

func newNoting(by *store.AuditEntry, now time.Time) *noting { return &noting{by: by, now: orNow(now)} }

// note keeps what the transaction has changed: jobs, or something else, and returns the
// id of the entry. The transaction may yet be rolled back: only noted counts.
func (n *noting) note(s *session, changed []int64) (entry int64, err error) {
	if n.by == nil {
		return 0, nil
	}
	entry = n.entry
	if entry == 0 {
		entry, err = addAudit(s, n.by, n.now, int64(len(changed)))
	} else {
		_, err = s.exec("count_audit", entry, len(changed))
	}
	if err != nil {
		return 0, err
	}
	kept := changed[:min(len(changed), max(0, store.AuditedJobs-n.jobs))]
	if len(kept) > 0 {
		_, err = s.exec("add_audit_jobs", ids(kept), entry)
	}
	return entry, err
}

// noted is told after the commit.
func (n *noting) noted(entry int64, changed int) { n.entry, n.jobs = entry, n.jobs+changed }

func addAudit(s *session, e *store.AuditEntry, now time.Time, jobs int64) (id int64, err error) {
	if !e.At.IsZero() {
		now = e.At
	}
	err = s.query("add_audit", func(r *sql.Rows) error { return r.Scan(&id) },
		now.UnixMicro(), e.Person, string(e.Source), e.Action, e.Kind, e.Target, e.Reason, jobs, e.Before, e.After)
	return id, err
}

// Audit returns entries of the audit.
func (s *Store) Audit(ctx context.Context, f store.AuditFilter) (found []store.AuditEntry, err error) {
	text, args := auditQuery(f)
	err = s.read(ctx, func(r *session) error {
		found = nil
		return r.query(text, func(r *sql.Rows) error {
			e, err := scanAudit(r)
			found = append(found, e)
			return err
		}, args...)
	})
	return found, err
}

func auditQuery(f store.AuditFilter) (string, []any) {
	where, args := []string{"true"}, []any(nil)
	and := func(given bool, condition string, value any) {
		if given {
			where, args = append(where, condition), append(args, value)
		}
	}
	and(f.Before != 0, "id < ?", f.Before)
	and(f.Person != "", "person = ?", f.Person)
	and(f.Source != "", "source = ?", string(f.Source))
	and(f.Action != "", "action = ?", f.Action)
	and(f.Kind != "", "kind = ?", f.Kind)
	and(f.Target != "", "target = ?", f.Target)
	and(f.Job != 0, "id IN (SELECT audit_id FROM later_audit_job WHERE job_id = ?)", f.Job)
	return "SELECT id, at, person, source, action, kind, target, reason, jobs, was, became FROM later_audit WHERE " +
		strings.Join(where, " AND ") + " ORDER BY id DESC LIMIT ?", append(args, f.Page())
}

func scanAudit(r *sql.Rows) (e store.AuditEntry, err error) {
	var at sql.NullInt64
	err = r.Scan(&e.ID, &at, &e.Person, (*string)(&e.Source), &e.Action, &e.Kind, &e.Target, &e.Reason, &e.Jobs, &e.Before, &e.After)
	e.At = timeOf(at)
	return e, err
}

// auditSlice is how many rows upkeep forgets in one transaction.
const auditSlice = 2000

// forgetAudit forgets what was changed too long ago.
func (s *Store) forgetAudit(ctx context.Context, now time.Time) error {
	before := now.Add(-store.AuditKept).UnixMicro()
	for {
		var last, forgotten int64
		r := &request{rank: rankControl, size: rowSize}
		old := func(s *session) error {
			return s.query("old_audit", func(r *sql.Rows) error { return r.Scan(&last) }, before, auditSlice)
		}
		r.idle = func(s *session) bool { return old(s) == nil && last == 0 }
		r.run = func(s *session) (err error) {
			if err = old(s); err != nil || last == 0 {
				return err
			}
			if forgotten, err = s.exec("forget_audit_jobs", last, auditSlice); err != nil || forgotten == auditSlice {
				return err
			}
			_, err = s.exec("forget_audit", last, before)
			return err
		}
		if err := s.do(ctx, r); err != nil || last == 0 {
			return err
		}
	}
}
