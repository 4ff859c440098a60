package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// noting keeps the entry of one change, in however many transactions that comes.
type noting struct {
	by    *store.AuditEntry // nil: nobody is noted
	now   time.Time
	entry int64 // its id, once there is one that is committed
	jobs  int   // of how many the ids are kept
}

func (s *Store) newNoting(by *store.AuditEntry, now time.Time) *noting {
	return &noting{by: by, now: s.orNow(now)}
}

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
		_, err = s.exec("count_audit", entry, int64(len(changed)))
	}
	if err != nil {
		return 0, err
	}
	kept := changed[:min(len(changed), max(0, store.AuditedJobs-n.jobs))]
	if len(kept) > 0 {
		_, err = s.exec("add_audit_jobs", kept, entry)
	}
	return entry, err
}

// noted is told after the commit.
func (n *noting) noted(entry int64, changed int) { n.entry, n.jobs = entry, n.jobs+changed }

func addAudit(s *session, e *store.AuditEntry, now time.Time, jobs int64) (id int64, err error) {
	if !e.At.IsZero() {
		now = e.At
	}
	err = s.query("add_audit", func(r row) error { return r.Scan(&id) },
		now, e.Person, string(e.Source), e.Action, e.Kind, e.Target, e.Reason, jobs, e.Before, e.After)
	return id, err
}

// Audit returns entries of the audit.
func (s *Store) Audit(ctx context.Context, f store.AuditFilter) (found []store.AuditEntry, err error) {
	if !storable(f.Person, string(f.Source), f.Action, f.Kind, f.Target) {
		return nil, s.alive(ctx)
	}
	text, args := auditQuery(f)
	err = s.readOnce(ctx, func(r *session) error {
		found = nil
		return r.queryText("audit", s.inSchema(text), func(r row) error {
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
			args = append(args, value)
			where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
		}
	}
	and(f.Before != 0, "id < ?", f.Before)
	and(f.Person != "", "person = ?", f.Person)
	and(f.Source != "", "source = ?", string(f.Source))
	and(f.Action != "", "action = ?", f.Action)
	and(f.Kind != "", "kind = ?", f.Kind)
	and(f.Target != "", "left(target, 200) = left(?::text, 200) AND target = ?", f.Target)
	and(f.Job != 0, "id = ANY (ARRAY (SELECT audit_id FROM later.audit_job WHERE job_id = ?))", f.Job)
	args = append(args, f.Page())
	return "SELECT id, at, person, source, action, kind, target, reason, jobs, was, became FROM later.audit WHERE " +
		strings.Join(where, " AND ") + " ORDER BY id DESC LIMIT $" + strconv.Itoa(len(args)), args
}

func scanAudit(r row) (e store.AuditEntry, err error) {
	var at pgtype.Timestamptz
	var source string
	err = r.Scan(&e.ID, &at, &e.Person, &source, &e.Action, &e.Kind, &e.Target, &e.Reason, &e.Jobs, &e.Before, &e.After)
	e.At, e.Source = timeOf(at), store.AuditSource(source)
	return e, err
}

// auditSlice is how many rows upkeep forgets in one transaction.
const auditSlice = 2000

// forgetAudit forgets what was changed too long ago.
func (s *Store) forgetAudit(ctx context.Context, now time.Time) error {
	before := now.Add(-store.AuditKept)
	for {
		var last, forgotten int64
		run := func(s *session) error {
			err := s.query("old_audit", func(r row) error { return r.Scan(&last) }, before, auditSlice)
			if err != nil || last == 0 {
				return err
			}
			if forgotten, err = s.exec("forget_audit_jobs", last, auditSlice); err != nil || forgotten == auditSlice {
				return err
			}
			_, err = s.exec("forget_audit", last, before, auditSlice)
			return err
		}
		if err := s.entry.do(ctx, &request{run: run}); err != nil || last == 0 {
			return err
		}
	}
}
