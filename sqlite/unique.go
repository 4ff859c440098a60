package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// hasKey reports whether one of the jobs has a unique key.
func hasKey(jobs []store.NewJob) bool {
	return slices.ContainsFunc(jobs, func(n store.NewJob) bool { return n.Options.UniqueKey() != nil })
}

// uniquely is an enqueue of jobs of which some have a unique key.
type uniquely struct {
	jobs      []enqueuing
	now       time.Time
	duplicate error // nothing is stored
	fresh     []enqueuing
	meetings  []meeting
}

// meeting is a job that meets the holder of its key.
type meeting struct {
	job     int   // in uniquely.jobs
	holder  int64 // its id; 0: an earlier job of the same call
	earlier int   // which one
}

// enqueueUnique goes to the writer alone: nobody else's enqueue depends on a key.
func (s *Store) enqueueUnique(ctx context.Context, u *uniquely, size int) error {
	if err := s.do(ctx, &request{rank: rankEnqueue, durable: true, run: u.run, size: size}); err != nil {
		return err
	}
	return u.duplicate
}

// run starts anew: an earlier try was rolled back.
func (u *uniquely) run(s *session) error {
	u.duplicate, u.fresh, u.meetings = nil, nil, nil
	held, err := holders(s, u.names(), u.now)
	if err != nil {
		return err
	}
	if u.meet(held); u.duplicate != nil {
		return nil
	}
	if len(u.fresh) > 0 {
		if err := insertJobs(s, u.fresh); err != nil {
			return err
		}
		if err := u.take(s); err != nil {
			return err
		}
	}
	return u.answer(s)
}

func (u *uniquely) names() (names []keyName) {
	for _, e := range u.jobs {
		if unique := e.job.Options.UniqueKey(); unique != nil {
			names = append(names, keyName{e.job.Type, unique.Key})
		}
	}
	return names
}

// meet parts the jobs: those that are stored, and those that meet a holder.
func (u *uniquely) meet(held map[keyName]int64) {
	earlier := map[keyName]int{}
	for i, e := range u.jobs {
		unique := e.job.Options.UniqueKey()
		if unique == nil {
			u.fresh = append(u.fresh, e)
			continue
		}
		name := keyName{e.job.Type, unique.Key}
		holder, taken := held[name]
		first, repeated := earlier[name]
		switch {
		case !taken && !repeated:
			earlier[name] = i
			u.fresh = append(u.fresh, e)
		case e.job.OnConflict == store.ConflictFail:
			u.duplicate = &store.DuplicateError{Type: name.jobType, Key: name.key, Holder: holder}
			return
		default:
			u.meetings = append(u.meetings, meeting{i, holder, first})
		}
	}
}

// take gives the new jobs their keys.
func (u *uniquely) take(s *session) error {
	var r rows
	for _, e := range u.fresh {
		if unique := e.job.Options.UniqueKey(); unique != nil {
			writeKey(&r, e.answer.ID, e.job.Type, unique, e.now)
		}
	}
	return s.execRows("take_keys", &r)
}

// answer lets holders be replaced, and reads them.
func (u *uniquely) answer(s *session) error {
	if len(u.meetings) == 0 {
		return nil
	}
	var list []int64
	for _, m := range u.meetings {
		e := u.jobs[m.job]
		if m.holder == 0 {
			m.holder = u.jobs[m.earlier].answer.ID
		}
		*e.answer = store.Enqueued{ID: m.holder}
		if e.job.OnConflict == store.ConflictReplace {
			replaced, err := replace(s, m.holder, e)
			if err != nil {
				return err
			}
			e.answer.Replaced = replaced
		}
		list = append(list, m.holder)
	}
	jobs, err := readJobs(s, sortedIDs(list))
	if err != nil {
		return err
	}
	of := map[int64]store.Job{}
	for _, job := range jobs {
		of[job.ID] = job
	}
	for _, m := range u.meetings {
		a := u.jobs[m.job].answer
		job := of[a.ID]
		a.Status, a.QueuedAt, a.Holder = job.Status, job.QueuedAt, &job
	}
	return nil
}

// replace makes a job that waits the one that another call asks for, and reports
// whether it did: one that runs or has finished stays what it is.
func replace(s *session, id int64, by enqueuing) (bool, error) {
	jobs, err := places(s, []int64{id})
	if err != nil || len(jobs) == 0 || jobs[0].running || jobs[0].finished != 0 {
		return false, err
	}
	before, err := readJobs(s, []int64{id})
	if err != nil || len(before) == 0 {
		return false, err
	}
	options := before[0].Options.ReplacedBy(by.job.Options).Text()
	job := jobs[0]
	job.priority = int64(by.job.Priority)
	_, err = s.exec("replace_job", id, string(by.job.Args), nullText(string(by.job.Metadata)), job.priority, nullTime(by.job.RunAt), nullText(options))
	if err != nil {
		return false, err
	}
	if string(before[0].Args) != string(by.job.Args) { // what was done was done for others
		if err := s.execIDs([]int64{id}, "delete_steps"); err != nil {
			return false, err
		}
	}
	var m moves
	switch {
	case isLater(by.job.RunAt, by.now):
		m.toWaiting(job, waitsAs(job.waits), by.job.RunAt, "")
	case job.ready: // it keeps its place in line
		_, err := s.exec("change_priority", id, job.priority)
		s.wake.Work = true
		return true, err
	default:
		m.toReady(job)
	}
	if err := s.execIDs([]int64{id}, "leave_line", "stop_waiting"); err != nil {
		return false, err
	}
	return true, m.apply(s)
}
