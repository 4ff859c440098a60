package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

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
	now = orNow(now)
	err = s.do(ctx, &request{rank: rankControl, durable: true, size: rowSize, run: func(s *session) error {
		matching, err := selection.Look(looker{s}, &dialect, o.Filter, o.Action.Statuses(), selection.Reach{Want: store.OperationCounted, Rows: controlLook})
		if err != nil {
			return err
		}
		entry, err := newNoting(by, now).note(s, nil)
		if err != nil {
			return err
		}
		var id int64
		err = s.query("add_operation", func(r *sql.Rows) error { return r.Scan(&id) }, string(o.Action), string(filter), nullableTime(o.At),
			o.Person, string(o.Source), o.Reason, len(matching.IDs), now.UnixMicro(), entry)
		if err == nil {
			_, err = s.exec("clear_operation_jobs", id)
		}
		if err == nil {
			added, err = operation(s, id)
		}
		return err
	}})
	if err != nil {
		return store.Operation{}, err // the writer may still be filling it in
	}
	return added, nil
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
	err = s.read(ctx, func(r *session) error {
		found = nil
		return r.query(name, func(r *sql.Rows) error {
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

// operation reads one, within a transaction.
func operation(s *session, id int64) (o store.Operation, err error) {
	known := false
	err = s.query("operation_by_id", func(r *sql.Rows) (err error) {
		known = true
		o, err = scanOperation(r)
		return err
	}, id)
	if err == nil && !known {
		err = fmt.Errorf("operation %d: %w", id, store.ErrNotFound)
	}
	return o, err
}

func scanOperation(r *sql.Rows) (o store.Operation, err error) {
	var filter, notUndone string
	var at, created, finished, undone sql.NullInt64
	err = r.Scan(&o.ID, (*string)(&o.Action), &filter, &at, &o.Person, (*string)(&o.Source), &o.Reason, (*string)(&o.State), &o.Bound, &o.Cursor,
		&o.Matched, &o.Changed, &o.Left, &o.Restored, &notUndone, &created, &finished, &undone, &o.Problem, &o.AuditID)
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
	now = orNow(now)
	err = s.do(ctx, &request{rank: rankControl, durable: true, size: rowSize, run: func(s *session) error {
		o, err := operation(s, id)
		if err == nil {
			err = o.Turn(to, now)
		}
		if err == nil {
			err = saveOperation(s, &o)
		}
		if err == nil {
			_, err = newNoting(by, now).note(s, nil)
		}
		turned = o
		return err
	}})
	if err != nil {
		return store.Operation{}, err
	}
	return turned, nil
}

// StepOperation takes one step.
func (s *Store) StepOperation(ctx context.Context, id int64, now time.Time) (stepped store.Operation, err error) {
	now = orNow(now)
	r := &request{rank: rankControl, durable: true, size: store.OperationStep * rowSize}
	r.run = func(s *session) error {
		o, err := operation(s, id)
		switch {
		case err != nil:
		case o.State == store.OperationRunning:
			err = stepOperation(s, &o, now)
		case o.State == store.OperationUndoing:
			err = undoStep(s, &o, now)
		}
		if err == nil {
			err = saveOperation(s, &o)
		}
		stepped = o
		return err
	}
	if err := s.do(ctx, r); err != nil {
		return store.Operation{}, err
	}
	return stepped, nil
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
func stepOperation(s *session, o *store.Operation, now time.Time) error {
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
	was, err := recordsOf(s, found)
	if err != nil {
		return err
	}
	jobs, err := places(s, found)
	if err != nil {
		return err
	}
	var m moves
	done, err := changeOf(o, now)(s, jobs, &m)
	if err == nil {
		err = m.apply(s)
	}
	if err != nil {
		return err
	}
	done = sortedIDs(done)
	is, err := recordsOf(s, done)
	if err != nil {
		return err
	}
	if err := keepImages(s, o, store.ImagesOf(was, is, done)); err != nil {
		return err
	}
	n := &noting{by: &store.AuditEntry{}, now: now, entry: o.AuditID, jobs: int(o.Changed)}
	if o.AuditID != 0 && len(done) > 0 {
		if _, err := n.note(s, done); err != nil {
			return err
		}
	}
	o.Stepped(len(found), len(done), next, now)
	return nil
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
	_, err := s.exec("add_operation_jobs", o.ID, ids(list))
	return err
}

func sizesOf(s *session, list []int64) (map[int64]int64, error) {
	sizes := make(map[int64]int64, len(list))
	err := s.query("sizes_of_jobs", func(r *sql.Rows) error {
		var id, size int64
		err := r.Scan(&id, &size)
		sizes[id] = size
		return err
	}, ids(list))
	return sizes, err
}

// recordsOf reads whole jobs.
func recordsOf(s *session, list []int64) ([]store.Record, error) {
	if len(list) == 0 {
		return nil, nil
	}
	return wholeJobs(s, list)
}

// undoStep restores the jobs of the last step that is kept.
func undoStep(s *session, o *store.Operation, now time.Time) error {
	var step int64
	var data []byte
	err := s.query("last_operation_step", func(r *sql.Rows) error { return r.Scan(&step, &data) }, o.ID)
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
		_, err = s.exec("delete_operation_step", step)
		return err
	}
	list := make([]int64, len(images))
	for i := range images {
		list[i] = images[i].Before.Job.ID
	}
	is, err := recordsOf(s, list)
	if err != nil {
		return err
	}
	images, not := store.Restorable(images, is)
	if images, err = withKeys(s, images, not, now); err != nil {
		return err
	}
	if err := restore(s, images); err != nil {
		return err
	}
	if err := keepJobs(s, o, store.JobsOf(images, true)); err != nil {
		return err
	}
	o.Restored += int64(len(images))
	o.NotUndo(not)
	_, err = s.exec("delete_operation_step", step)
	return err
}

// withKeys leaves out the jobs whose unique key another one has taken.
func withKeys(s *session, images []store.OperationImage, not map[string]int64, now time.Time) ([]store.OperationImage, error) {
	var names []keyName
	for _, image := range images {
		if key := image.Before.Job.Options.UniqueKey(); key != nil && image.Before.HoldsKey {
			names = append(names, keyName{image.Before.Job.Type, key.Key})
		}
	}
	held, err := holders(s, names, now)
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
func restore(s *session, images []store.OperationImage) error {
	if len(images) == 0 {
		return nil
	}
	var list []int64
	i := &importing{}
	for _, image := range images {
		list = append(list, image.Before.Job.ID)
		i.records = append(i.records, image.Before)
		i.highest = max(i.highest, image.Before.Job.ID, image.Before.Position)
	}
	jobs, err := places(s, list)
	if err != nil {
		return err
	}
	if _, err := deleteJobs(s, jobs, nil); err != nil {
		return err
	}
	return i.run(s)
}

// operationStepsSlice is how many steps upkeep forgets in one transaction: each may have
// kept much.
const operationStepsSlice = 20

// forgetOperations forgets what undoing needed when it is too late, and old operations.
func (s *Store) forgetOperations(ctx context.Context, now time.Time) error {
	undoable, kept := now.Add(-store.OperationUndoable).UnixMicro(), now.Add(-store.AuditKept).UnixMicro()
	for {
		var forgotten, jobs int64
		r := &request{rank: rankControl, size: rowSize}
		r.idle = func(s *session) (idle bool) {
			err := s.query("operations_forgettable", func(r *sql.Rows) error { return r.Scan(&idle) }, undoable, kept)
			return err == nil && !idle
		}
		r.run = func(s *session) (err error) {
			if forgotten, err = s.exec("forget_operation_steps", undoable, operationStepsSlice); err != nil {
				return err
			}
			if jobs, err = s.exec("forget_operation_jobs", kept, auditSlice); err != nil || jobs > 0 {
				return err
			}
			_, err = s.exec("forget_operations", kept, auditSlice)
			return err
		}
		if err := s.do(ctx, r); err != nil || forgotten < operationStepsSlice && jobs == 0 {
			return err
		}
	}
}
