package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/laterjobs/later/store"
)

// hasKey reports whether one of the jobs has a unique key.
func hasKey(jobs []store.NewJob) bool {
	return slices.ContainsFunc(jobs, func(n store.NewJob) bool { return n.Options.UniqueKey() != nil })
}

// keyWait is how long one try waits for a transaction that has taken a key. Then it
// lets go of its connection, and of the keys that it has, and begins anew.
const keyWait = 500 * time.Millisecond

// beginUnique begins a transaction that waits no longer than that. A newer snapshot for
// each statement: the end of the other transaction must be seen.
var beginUnique = fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT set_config('lock_timeout', '%dms', true)", keyWait.Milliseconds())

// enqueueUnique stores jobs of which some have a unique key. That may have to wait for
// a stranger's transaction, so it goes over the pool and keeps nobody else waiting. It
// waits until ctx ends; if that has no deadline, no longer than patience.
func (s *Store) enqueueUnique(ctx context.Context, u *uniquely) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	again := func(err error) bool { return harmless(err) && !keyTaken(err) }
	for began := time.Now(); ; {
		err := s.insist(ctx, again, func() error { return s.tryUnique(ctx, u) })
		if err == nil {
			s.tell(&u.news)
			return nil
		}
		_, bounded := ctx.Deadline()
		if !keyTaken(err) || ctx.Err() != nil {
			return s.classify(ctx, err)
		}
		if !bounded && time.Since(began) > patience {
			return fmt.Errorf("%w: a transaction that has not ended has taken the unique key, or has its holder in hand: %w", store.ErrUnavailable, err)
		}
	}
}

// tryUnique leaves half of the pool to others.
func (s *Store) tryUnique(ctx context.Context, u *uniquely) error {
	select {
	case s.keyed <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.keyed }()
	return s.inTx(ctx, uniqueBeginning{s.pool}, u.run)
}

// uniqueBeginning begins transactions that do not wait for ever.
type uniqueBeginning struct{ pool *pgxpool.Pool }

func (b uniqueBeginning) Begin(ctx context.Context) (pgx.Tx, error) {
	return b.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginUnique})
}

// keyTaken reports whether a statement has waited for too long.
func keyTaken(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.Code == "55P03"
}

// uniquely is an enqueue of jobs of which some have a unique key.
type uniquely struct {
	store    *Store
	jobs     []store.NewJob
	now      time.Time
	answers  []store.Enqueued
	meetings []meeting
	news     news
}

// meeting is a job that meets the holder of its key.
type meeting struct {
	job    int // in uniquely.jobs
	holder int64
}

// run starts anew: an earlier try was rolled back.
func (u *uniquely) run(s *session) error {
	u.answers, u.meetings, u.news = make([]store.Enqueued, len(u.jobs)), nil, news{}
	wishes, first := u.wishes()
	held, err := takeKeys(s, wishes, u.now)
	if err != nil {
		return err
	}
	fresh, err := u.meet(wishes, first, held)
	if err != nil {
		var given []int64
		for _, w := range wishes {
			given = append(given, w.id)
		}
		_, undo := s.exec("give_back_keys", given) // the transaction may go on
		return errors.Join(err, undo)
	}
	if err := u.storeFresh(s, fresh, wishes); err != nil {
		return err
	}
	return u.answer(s)
}

// wishes are the keys that the jobs ask for, and for each key the first job that does.
func (u *uniquely) wishes() ([]wish, map[keyName]int) {
	wishes, first := make([]wish, len(u.jobs)), map[keyName]int{}
	for i, n := range u.jobs {
		unique := n.Options.UniqueKey()
		if unique == nil {
			continue
		}
		w := wishOf(0, n.Type, unique, u.now)
		if _, repeated := first[w.name]; !repeated {
			first[w.name] = i
			wishes[i] = w
		}
	}
	return wishes, first
}

// meet parts the jobs: those that are stored, and those that meet a holder.
func (u *uniquely) meet(wishes []wish, first map[keyName]int, held map[keyName]int64) (fresh []int, err error) {
	for i, n := range u.jobs {
		unique := n.Options.UniqueKey()
		if unique == nil {
			fresh = append(fresh, i)
			continue
		}
		name := keyName{n.Type, unique.Key}
		holder, taken := held[name]
		switch earlier := first[name]; {
		case !taken && earlier == i:
			fresh = append(fresh, i)
		case n.OnConflict == store.ConflictFail:
			return nil, &store.DuplicateError{Type: n.Type, Key: unique.Key, Holder: holder}
		case taken:
			u.meetings = append(u.meetings, meeting{i, holder})
		default:
			u.meetings = append(u.meetings, meeting{i, wishes[earlier].id})
		}
	}
	return fresh, nil
}

// storeFresh stores the jobs that meet nobody.
func (u *uniquely) storeFresh(s *session, fresh []int, wishes []wish) error {
	if len(fresh) == 0 {
		return nil
	}
	jobs, ids := make([]store.NewJob, len(fresh)), make([]int64, len(fresh))
	for i, at := range fresh {
		jobs[i], ids[i] = u.jobs[at], wishes[at].id
	}
	e := &enqueuing{store: u.store}
	e.add(jobs, u.now)
	found, err := s.on.Query(s.ctx, u.store.query("enqueue_as"), append(e.ask(), ids)...)
	if err == nil {
		err = e.scan(found)
	}
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	for i, at := range fresh {
		e.answers[i].ID = ids[i]
		u.answers[at] = e.answers[i]
	}
	e.committed(&u.news)
	return nil
}

// answer lets holders be replaced, and reads them.
func (u *uniquely) answer(s *session) error {
	if len(u.meetings) == 0 {
		return nil
	}
	var list []int64
	for _, m := range u.meetings {
		u.answers[m.job].ID = m.holder
		list = append(list, m.holder)
		if n := &u.jobs[m.job]; n.OnConflict == store.ConflictReplace {
			replaced, err := u.replace(s, m.holder, n)
			if err != nil {
				return err
			}
			u.answers[m.job].Replaced = replaced
		}
	}
	jobs, err := readJobs(s, sortedIDs(list))
	if err != nil {
		return err
	}
	of := make(map[int64]store.Job, len(jobs))
	for _, job := range jobs {
		of[job.ID] = job
	}
	for _, m := range u.meetings {
		job, a := of[m.holder], &u.answers[m.job]
		a.Status, a.QueuedAt, a.Holder = job.Status, job.QueuedAt, &job
	}
	return nil
}

// replace makes a job that waits the one that another call asks for, and reports
// whether it did: one that runs or has finished stays what it is. It goes after a job
// that moves from place to place while the statement looks for it.
func (u *uniquely) replace(s *session, id int64, by *store.NewJob) (replaced bool, err error) {
	name, runAt := "replace_now", time.Time{}
	if !by.RunAt.IsZero() {
		runAt = micro(by.RunAt)
	}
	if isLater(runAt, u.now) {
		name = "replace_later"
	}
	for range cancelRounds {
		jobs, err := readJobs(s, []int64{id})
		if err != nil || len(jobs) == 0 || jobs[0].Status == store.Running || jobs[0].Status.Finished() {
			return false, err
		}
		err = s.query(name, func(r row) error {
			var at lane
			var position int64
			err := r.Scan(&at.queue, &at.priority, &position)
			if replaced, u.news.wake.Work = true, true; name == "replace_now" {
				u.news.lineUp(at, position)
			}
			return err
		}, id, string(by.Args), textOf(by.Metadata), int16(by.Priority), runAt, jobs[0].Options.ReplacedBy(by.Options).Text())
		if err != nil || replaced {
			return replaced, err
		}
	}
	return false, nil
}
