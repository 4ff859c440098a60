package sqlite

import (
	"database/sql"

	"github.com/laterjobs/later/store"
)

// Most outcomes complete a job that nobody has asked to stop, and free no key. Such jobs
// move inside the database, where their claims are; nothing is read of them.

// complete moves those of the outcomes, and returns the others: all but the first
// outcome of each job are among them.
func (f *finishing) complete(s *session) (others []int, err error) {
	plain := make([]int, 0, len(f.outcomes))
	seen := make(map[int64]bool, len(f.outcomes))
	for i, o := range f.outcomes {
		if o.Kind == store.Complete && !o.Unique && !seen[o.JobID] {
			plain = append(plain, i)
		} else {
			others = append(others, i)
		}
		seen[o.JobID] = true
	}
	if len(plain) == 0 {
		return others, nil
	}
	r := borrowRows(5 * len(plain))
	defer r.giveBack()
	for _, i := range plain {
		o := f.outcomes[i]
		if o.FinishedAt.IsZero() {
			o.FinishedAt = f.now
		}
		r.next()
		r.int(o.JobID).int(o.Token).time(o.StartedAt).time(o.FinishedAt).raw(o.Result)
	}
	moved, err := s.changeRows("complete", &r)
	if err != nil {
		return nil, err
	}
	if int(moved) < len(plain) {
		var rest []int
		if plain, rest, err = f.moved(s, plain, &r); err != nil {
			return nil, err
		}
		others = append(others, rest...)
	}
	return others, f.completed(s, plain)
}

// moved tells which of the outcomes were true: those of the claims that are live.
func (f *finishing) moved(s *session, plain []int, r *rows) (moved, rest []int, err error) {
	live := make([]bool, len(plain))
	err = s.query("claims_to_complete", func(found *sql.Rows) error {
		var place int
		err := found.Scan(&place)
		live[place] = true
		return err
	}, r.String())
	for place, i := range plain {
		if live[place] {
			moved = append(moved, i)
		} else {
			rest = append(rest, i)
		}
	}
	return moved, rest, err
}

// completed ends the claims of jobs that have moved.
func (f *finishing) completed(s *session, list []int) error {
	if len(list) == 0 {
		return nil
	}
	ended := make([]int64, len(list))
	for place, i := range list {
		f.verdicts[i] = store.Accepted
		ended[place] = f.outcomes[i].JobID
	}
	if err := s.execIDs(ended, "end_claims"); err != nil {
		return err
	}
	s.wake.Finished = true
	_, err := s.exec("count_finished", completed, len(list))
	return err
}
