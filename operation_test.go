package later_test

import (
	"errors"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// ended waits for the end of an operation, which no started JobQueue has to help with.
func ended(t *testing.T, queue *later.JobQueue, id int64) later.Operation {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		o, err := queue.Operation(t.Context(), id)
		switch {
		case err != nil:
			t.Fatal(err)
		case !o.State.Working():
			return o
		case time.Now().After(deadline):
			t.Fatalf("operation %d does not end: %+v", id, o)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestOperate: a JobQueue that has not been started carries out what it is asked for, and
// undoes it.
func TestOperate(t *testing.T) {
	queue := newQueue(t, later.Config{})
	call := later.Define[struct{}]("OperatedJob")
	for range 3 {
		if _, err := call.PerformIn(t.Context(), queue, time.Hour, struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx := later.By(t.Context(), "ana", later.FromDashboard)
	begun, err := queue.Operate(ctx, later.Operation{Action: later.OperationDelete, Filter: later.Filter{Type: "OperatedJob"}, Reason: "a test"})
	if err != nil || begun.Person != "ana" || begun.Matched != 3 {
		t.Fatalf("%+v, %v", begun, err)
	}
	if o := ended(t, queue, begun.ID); o.State != later.OperationDone || o.Changed != 3 {
		t.Fatalf("%+v", o)
	}
	if jobs, err := queue.List(ctx, later.Filter{}); err != nil || len(jobs) != 0 {
		t.Fatalf("%d jobs are left, %v", len(jobs), err)
	}
	if _, err := queue.CancelOperation(ctx, begun.ID); !errors.Is(err, later.ErrConflict) {
		t.Errorf("cancelled after its end: %v", err)
	}
	if _, err := queue.UndoOperation(ctx, begun.ID); err != nil {
		t.Fatal(err)
	}
	if o := ended(t, queue, begun.ID); o.State != later.OperationUndone || o.Restored != 3 {
		t.Fatalf("%+v", o)
	}
	if jobs, err := queue.List(ctx, later.Filter{Status: []later.JobStatus{later.StatusScheduled}}); err != nil || len(jobs) != 3 {
		t.Fatalf("%d jobs are back, %v", len(jobs), err)
	}
	entries, err := queue.Audit(ctx, later.AuditFilter{})
	if err != nil || len(entries) != 2 || entries[0].Action != "undo" || entries[1].Jobs != 3 || entries[1].Target != "type:OperatedJob" {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestOperateTakesOver: a JobQueue that works goes on with what another has begun.
func TestOperateTakesOver(t *testing.T) {
	s := open(t, ":memory:")
	queue := queueOn(t, s, later.Config{})
	call := later.Define[struct{}]("OperatedJob")
	if _, err := call.PerformIn(t.Context(), queue, time.Hour, struct{}{}); err != nil {
		t.Fatal(err)
	}
	begun, err := s.AddOperation(t.Context(), later.Operation{Action: later.OperationCancel}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer queue.Stop(t.Context())
	if o := ended(t, queue, begun.ID); o.State != later.OperationDone || o.Changed != 1 {
		t.Fatalf("%+v", o)
	}
}

func TestOperateRefuses(t *testing.T) {
	queue := newQueue(t, later.Config{})
	for _, o := range []later.Operation{
		{}, {Action: "fly"}, {Action: later.OperationReschedule}, {Action: later.OperationDelete, Filter: later.Filter{Limit: 3}},
	} {
		if _, err := queue.Operate(t.Context(), o); !errors.Is(err, later.ErrInvalidOption) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := queue.Operation(t.Context(), 404); !errors.Is(err, later.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
}
