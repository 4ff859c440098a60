package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/internal/selection"
	"github.com/laterjobs/later/store"
)

// AddOperation stores an operation.
func (s *Store) AddOperation(ctx context.Context, o store.Operation, by *store.AuditEntry, now time.Time) (added store.Operation, err error) {
	if err := o.Filter.Check(); err != nil {
		return added, err
	}
	filter, err := json.Marshal(o.Filter)
	if err != nil {
		return added, fmt.Errorf("%w: the filter of an operation: %w", store.ErrConflict, err)
	}
	now = s.orNow(now)
	err = s.inOneTx(ctx, func(r *session) error {
		matching, err := selection.Look(looker{r}, &dialect, o.Filter, o.Action.Statuses(), selection.Reach{Want: store.OperationCounted, Rows: controlLook})
		if err != nil {
			return err
		}
		entry, err := s.newNoting(by, now).note(r, nil)
		if err != nil {
			return err
		}
		var id int64
		err = r.query("add_operation", func(r row) error { return r.Scan(&id) }, string(o.Action), string(filter), nullableTime(o.At),
			o.Person, string(o.Source), o.Reason, int64(len(matching.IDs)), now, entry)
		if err == nil {
			added, err = operation(r, "operation_by_id", id)
		}
		return err
	})
	return added, err
}

// Operations returns operations, newest first.
func (s *Store) Operations(ctx context.Context, f store.OperationFilter) (found []store.Operation, err error) {
	name, args := "operations", []any{before(f), f.Page()}
	switch {
	case f.ID != 0:
		name, args = "operation_by_id", []any{f.ID}
	case f.Working:
		name = "working_operations"
	}
	err = s.readOnce(ctx, func(r *session) error {
		found = nil
		return r.query(name, func(r row) error {
			o, err := scanOperation(r)
			found = append(found, o)
			return err
		}, args...)
	})
	return found, err
}

func before(f store.OperationFilter) int64 {
	if f.Before == 0 {
		return math.MaxInt64
	}
	return f.Before
}

// operation reads one by a statement.
func operation(s *session, name string, id int64) (o store.Operation, err error) {
	known := false
	err = s.query(name, func(r row) (err error) {
		known = true
		o, err = scanOperation(r)
		return err
	}, id)
	if err == nil && !known {
		err = fmt.Errorf("operation %d: %w", id, store.ErrNotFound)
	}
	return o, err
}

func scanOperation(r row) (o store.Operation, err error) {
	var filter, notUndone, action, source, state string
	var at, created, finished, undone pgtype.Timestamptz
	err = r.Scan(&o.ID, &action, &filter, &at, &o.Person, &source, &o.Reason, &state, &o.Bound, &o.Cursor,
		&o.Matched, &o.Changed, &o.Left, &o.Restored, &notUndone, &created, &finished, &undone, &o.Problem, &o.AuditID)
	o.Action, o.Source, o.State = store.OperationAction(action), store.AuditSource(source), store.OperationState(state)
	o.At, o.CreatedAt, o.FinishedAt, o.UndoneAt = timeOf(at), timeOf(created), timeOf(finished), timeOf(undone)
	o.Read([]byte(filter), []byte(notUndone))
	return o, err
}

func saveOperation(s *session, o *store.Operation) error {
	notUndone, err := json.Marshal(o.NotUndone)
	if err != nil {
		return err
	}
	_, err = s.exec("save_operation", o.ID, string(o.State), o.Cursor, o.Changed, o.Left, o.Restored, string(notUndone),
		nullableTime(o.FinishedAt), nullableTime(o.UndoneAt), o.Problem)
	return err
}

// TurnOperation ends an operation, or lets it be undone.
func (s *Store) TurnOperation(ctx context.Context, id int64, to store.OperationState, by *store.AuditEntry, now time.Time) (turned store.Operation, err error) {
	now = s.orNow(now)
	err = s.inOneTx(ctx, func(r *session) error {
		o, err := operation(r, "turn_operation", id)
		if err == nil {
			err = o.Turn(to, now)
		}
		if err == nil {
			err = saveOperation(r, &o)
		}
		if err == nil {
			_, err = s.newNoting(by, now).note(r, nil)
		}
		turned = o
		return err
	})
	if err != nil {
		return store.Operation{}, err
	}
	return turned, nil
}

// StepOperation takes one step.
func (s *Store) StepOperation(ctx context.Context, id int64, now time.Time) (stepped store.Operation, err error) {
	now = s.orNow(now)
	if err := s.alive(ctx); err != nil {
		return store.Operation{}, err
	}
	var n *news
	err = s.insist(ctx, harmless, func() error {
		n = &news{}
		return s.inTx(ctx, uniqueBeginning{s.pool}, func(r *session) error {
			stepped, err = takeStep(r, id, n, now)
			return err
		})
	})
	if err != nil {
		return store.Operation{}, s.classify(ctx, err)
	}
	s.tell(n)
	return stepped, nil
}

func takeStep(s *session, id int64, n *news, now time.Time) (store.Operation, error) {
	o, err := operation(s, "take_operation", id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return operation(s, "operation_by_id", id) // another process may be at it
	case err != nil:
		return o, err
	case o.State == store.OperationRunning:
		err = stepOperation(s, &o, n, now)
	case o.State == store.OperationUndoing:
		err = undoStep(s, &o, n, now)
	}
	if err == nil {
		err = saveOperation(s, &o)
	}
	return o, err
}

// changeOf is what an operation does to jobs.
func changeOf(o *store.Operation, now time.Time) change {
	switch o.Action {
	case store.OperationCancel:
		return cancelJobs(o.Reason, now)
	case store.OperationRetry:
		return retryJobs(now)
	case store.OperationReschedule:
		return rescheduleJobs(o.At, now)
	}
	return deleteJobs
}

// stepOperation changes the next jobs and keeps what they were.
func stepOperation(s *session, o *store.Operation, n *news, now time.Time) error {
	if o.Fail(now) {
		return nil
	}
	looked, err := selection.Look(looker{s}, &dialect, o.Next(), o.Action.Statuses(), selection.Reach{Want: store.OperationStep, Rows: controlLook})
	if err != nil {
		return err
	}
	found, next := looked.IDs, looked.Next
	sizes, err := sizesOf(s, found)
	if err != nil {
		return err
	}
	if most := store.StepOf(found, sizes); most < len(found) {
		found, next = found[:most], found[most-1]
	}
	done, err := changeAndKeep(s, o, sortedIDs(slices.Clone(found)), n, now)
	if err != nil {
		return err
	}
	noted := &noting{by: &store.AuditEntry{}, now: now, entry: o.AuditID, jobs: int(o.Changed)}
	if o.AuditID != 0 && len(done) > 0 {
		if _, err := noted.note(s, done); err != nil {
			return err
		}
	}
	o.Stepped(len(found), len(done), next, now)
	return nil
}

// changeAndKeep changes jobs. Those that stand still are held, so that they are what is
// kept of them; one that runs, or is about to, can only be asked to stop.
func changeAndKeep(s *session, o *store.Operation, list []int64, n *news, now time.Time) ([]int64, error) {
	held, err := hold(s, list)
	if err != nil {
		return nil, err
	}
	was, err := wholeJobs(s, list)
	if err != nil {
		return nil, err
	}
	for i := range was {
		if !held[was[i].Job.ID] {
			was[i].Job.Status = store.Running
		}
	}
	if o.Action != store.OperationCancel {
		list = slices.DeleteFunc(list, func(id int64) bool { return !held[id] })
	}
	if len(list) == 0 {
		return nil, nil
	}
	done, err := changeOf(o, now)(s, list, n)
	if err != nil {
		return nil, err
	}
	done = sortedIDs(done)
	is, err := wholeJobs(s, done)
	if err != nil {
		return nil, err
	}
	return done, keepImages(s, o, store.ImagesOf(was, is, done))
}

// hold keeps jobs that stand still where they are, until the end of the transaction.
func hold(s *session, list []int64) (map[int64]bool, error) {
	held := make(map[int64]bool, len(list))
	for _, place := range []string{"hold_ready", "hold_waiting", "hold_finished"} {
		found, err := s.ids(place, list)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			held[id] = true
		}
	}
	return held, nil
}

func keepImages(s *session, o *store.Operation, images []store.OperationImage) error {
	if len(images) == 0 {
		return nil
	}
	data, err := store.EncodeImages(images)
	if err == nil {
		_, err = s.exec("add_operation_step", o.ID, data)
	}
	if err == nil {
		err = keepJobs(s, o, store.JobsOf(images, false))
	}
	return err
}

// keepJobs lets an operation be asked for its jobs.
func keepJobs(s *session, o *store.Operation, list []int64) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.exec("add_operation_jobs", o.ID, list)
	return err
}

func sizesOf(s *session, list []int64) (map[int64]int64, error) {
	sizes := make(map[int64]int64, len(list))
	err := s.query("sizes_of_jobs", func(r row) error {
		var id, size int64
		err := r.Scan(&id, &size)
		sizes[id] = size
		return err
	}, list)
	return sizes, err
}

// undoStep restores the jobs of the last step that is kept.
func undoStep(s *session, o *store.Operation, n *news, now time.Time) error {
	var step int64
	var data []byte
	err := s.query("last_operation_step", func(r row) error { return r.Scan(&step, &data) }, o.ID)
	if err != nil {
		return err
	}
	if step == 0 {
		o.State, o.UndoneAt = store.OperationUndone, now
		return nil
	}
	images, err := store.DecodeImages(data)
	if err != nil {
		o.NotUndo(map[string]int64{"what they were cannot be read": 1})
		_, err = s.exec("delete_operation_step", o.ID, step)
		return err
	}
	list := make([]int64, len(images))
	for i := range images {
		list[i] = images[i].Before.Job.ID
	}
	held, err := hold(s, sortedIDs(slices.Clone(list)))
	if err != nil {
		return err
	}
	is, err := wholeJobs(s, list)
	if err != nil {
		return err
	}
	for i := range is {
		if !held[is[i].Job.ID] {
			is[i].Job.Status = store.Running // or about to be
		}
	}
	images, not := store.Restorable(images, is)
	if images, err = withKeys(s, images, not, now); err != nil {
		return err
	}
	if err := restore(s, images, n); err != nil {
		return err
	}
	if err := keepJobs(s, o, store.JobsOf(images, true)); err != nil {
		return err
	}
	o.Restored += int64(len(images))
	o.NotUndo(not)
	_, err = s.exec("delete_operation_step", o.ID, step)
	return err
}

// withKeys takes the unique keys that jobs held, and leaves out those whose key another
// one has taken.
func withKeys(s *session, images []store.OperationImage, not map[string]int64, now time.Time) ([]store.OperationImage, error) {
	var wishes []wish
	for i := range images {
		job := &images[i].Before.Job
		if key := job.Options.UniqueKey(); key != nil && images[i].Before.HoldsKey {
			wishes = append(wishes, wishOf(job.ID, job.Type, key, job.QueuedAt))
		}
	}
	if len(wishes) == 0 {
		return images, nil
	}
	held, err := takeKeys(s, wishes, now)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(images, func(image store.OperationImage) bool {
		key := image.Before.Job.Options.UniqueKey()
		if key == nil || !image.Before.HoldsKey {
			return false
		}
		holder, taken := held[keyName{image.Before.Job.Type, key.Key}]
		if taken = taken && holder != image.Before.Job.ID; taken {
			not[store.NotUndoneKey]++
		}
		return taken
	}), nil
}

// restore puts jobs back where they were, in the place of what they are.
func restore(s *session, images []store.OperationImage, n *news) error {
	if len(images) == 0 {
		return nil
	}
	var there []int64
	i := &importing{}
	for _, image := range images {
		if !image.Gone() {
			there = append(there, image.Before.Job.ID)
		}
		i.highest = max(i.highest, image.Before.Job.ID, image.Before.Position)
		if err := i.add(image.Before); err != nil {
			return err
		}
	}
	if _, err := s.ids("delete", there, true); err != nil {
		return err
	}
	if err := i.run(s); err != nil {
		return err
	}
	n.merge(&i.news)
	return nil
}

// operationStepsSlice is how many steps upkeep forgets in one transaction: each may have
// kept much.
const operationStepsSlice = 20

// forgetOperations forgets what undoing needed when it is too late, and old operations.
func (s *Store) forgetOperations(ctx context.Context, now time.Time) error {
	undoable, kept := now.Add(-store.OperationUndoable), now.Add(-store.AuditKept)
	for {
		var forgotten, jobs int64
		run := func(s *session) (err error) {
			if forgotten, err = s.exec("forget_operation_steps", undoable, operationStepsSlice); err != nil {
				return err
			}
			if jobs, err = s.exec("forget_operation_jobs", kept, auditSlice); err != nil || jobs > 0 {
				return err
			}
			_, err = s.exec("forget_operations", kept, auditSlice)
			return err
		}
		if err := s.entry.do(ctx, &request{run: run}); err != nil || forgotten < operationStepsSlice && jobs == 0 {
			return err
		}
	}
}
