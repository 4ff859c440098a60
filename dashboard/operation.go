package dashboard

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// operationRow is an operation as its page and the list show it.
type operationRow struct {
	later.Operation
	What   string `json:"-"`              // it does
	Query  string `json:"query"`          // that selects its jobs; "": it cannot be shown
	Hidden bool   `json:"-"`              // the query is about what the user may not see
	Jobs   string `json:"jobs,omitempty"` // the query for those that it has changed; "": there are none
	Class  string `json:"-"`              // the status of jobs whose look its state has

	Done    int64   `json:"done"`  // jobs it is through with, of the undo if it is at that
	Total   int64   `json:"total"` // of so many; 0: more than can be said
	Percent int     `json:"percent"`
	Rate    float64 `json:"per_second"`
	Took    string  `json:"-"`

	Undoable time.Time `json:"undoable_until,omitzero"`
	May      bool      `json:"-"` // the user may cancel and undo it
	Kept     []kept    `json:"-"` // what the undo has left alone
}

// kept is how many jobs could not be restored, and why.
type kept struct {
	Why  string
	Jobs int64
}

// operationsShown is how many a page of the list has.
const operationsShown = 50

// operationsPage lists operations, newest first.
type operationsPage struct {
	Rows   []operationRow `json:"operations"`
	Older  string         `json:"older"`
	Newest string         `json:"newest"`
}

// operationLooks are the statuses of jobs that look as the states of operations.
var operationLooks = map[later.OperationState]later.JobStatus{
	later.OperationRunning: later.StatusRunning, later.OperationDone: later.StatusCompleted, later.OperationCancelled: later.StatusCancelled,
	later.OperationUndoing: later.StatusRetrying, later.OperationUndone: later.StatusPending, later.OperationFailed: later.StatusFailed,
}

func (b *board) operations(v *view) error {
	v.Title = "Operations"
	f, page := later.OperationFilter{Limit: operationsShown + 1}, operationsPage{}
	if text := v.request.URL.Query().Get("before"); text != "" {
		before, err := strconv.ParseInt(text, 10, 64)
		if err != nil || before < 1 {
			return badRequest("%q is no id of an operation.", text)
		}
		f.Before, page.Newest = before, "?"
	}
	found, err := b.queue.Operations(v.context(), f)
	if err != nil {
		return err
	}
	for _, o := range found[:min(len(found), operationsShown)] {
		page.Rows = append(page.Rows, v.operationRow(o))
	}
	if len(found) > operationsShown {
		page.Older = "?before=" + strconv.FormatInt(found[operationsShown-1].ID, 10)
	}
	v.Data = &page
	return nil
}

func (b *board) operation(v *view) error {
	text := v.request.PathValue("id")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return notFound("%q is no id of an operation.", text)
	}
	o, err := b.queue.Operation(v.context(), id)
	if err != nil {
		return err
	}
	row := v.operationRow(o)
	v.Title, v.Data = row.What, &row
	return nil
}

func (v *view) operationRow(o later.Operation) operationRow {
	row := operationRow{Operation: o, What: capital(string(o.Action)) + " jobs", Class: string(operationLooks[o.State]), May: v.User.Can(needsOf(&o))}
	if atOnce(&o) {
		row.What = "Run jobs now"
	}
	if mayAsk(v.User, o.Filter) != nil {
		row.Filter, row.Hidden = later.Filter{}, true
	}
	row.Query, _ = query.Written(row.Filter)
	row.Jobs = query.OfOperation(o)
	if until := o.UndoableUntil(); until.After(v.Now) {
		row.Undoable = until
	}
	for why, n := range o.NotUndone {
		row.Kept = append(row.Kept, kept{why, n})
	}
	slices.SortFunc(row.Kept, func(a, b kept) int { return strings.Compare(a.Why, b.Why) })
	row.measure(v.Now)
	return row
}

// measure finds out how far an operation is, and how fast.
func (r *operationRow) measure(now time.Time) {
	if !r.FinishedAt.IsZero() {
		now = r.FinishedAt
	}
	r.Took = short(now.Sub(r.CreatedAt))
	r.Done, r.Total = r.Changed+r.Left, r.Matched
	if seconds := now.Sub(r.CreatedAt).Seconds(); seconds > 0.1 {
		r.Rate = float64(r.Done) / seconds
	}
	undo := r.State == later.OperationUndoing || r.State == later.OperationUndone
	if undo {
		r.Done, r.Total = r.Restored, r.Changed
		for _, n := range r.NotUndone {
			r.Done += n
		}
	}
	r.Percent = percent(r.Done, r.Total)
	if !undo && r.Matched >= store.OperationCounted { // the ids tell about where it is
		r.Total, r.Percent = 0, 0
		if r.Cursor > 0 {
			r.Percent = percent(r.Bound-r.Cursor+1, r.Bound)
		}
	}
	if r.State == later.OperationDone || r.State == later.OperationUndone {
		r.Percent = 100
	}
}

func percent(done, total int64) int {
	if total <= 0 {
		return 0
	}
	return int(min(100, max(0, 100*done/total)))
}

// Spared is how many jobs the undo has left alone.
func (r *operationRow) Spared() (n int64) {
	for _, k := range r.Kept {
		n += k.Jobs
	}
	return n
}

// PerSecond is the rate in words.
func (r *operationRow) PerSecond() string {
	if r.Rate < 1 {
		return ""
	}
	return number(int64(r.Rate)) + " / s"
}

// atOnce reports whether an operation runs jobs before their time, instead of giving them
// another one.
func atOnce(o *later.Operation) bool {
	return o.Action == later.OperationReschedule && !o.At.After(o.CreatedAt.Add(time.Second))
}

// needsOf is what somebody needs who cancels or undoes an operation: what to begin it needs.
func needsOf(o *later.Operation) Permission {
	more := Bulk
	if few(o.Filter) {
		more = 0
	}
	for _, v := range verbs {
		if v.operation == o.Action && (o.Action != later.OperationReschedule || atOnce(o) == (v.Name == "run")) {
			return v.needs | more
		}
	}
	return Admin // nobody knows what it does
}

// operationVerbs are what can be done to operations, and what has been done.
var operationVerbs = map[string]string{
	"cancel-operation": "It is cancelled. What it has changed stays so, and can be undone.",
	"undo-operation":   "It is being undone.",
}

func (b *board) turnOperation(v *view, name string) (string, error) {
	text := v.request.PostForm.Get("operation")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return "", badRequest("%q is no id of an operation.", text)
	}
	o, err := b.queue.Operation(v.context(), id)
	if err != nil {
		return "", err
	}
	needs := needsOf(&o)
	for _, p := range []Permission{needs &^ Bulk, needs & Bulk} {
		if err := v.need(p); err != nil {
			return "", err
		}
	}
	if name == "undo-operation" {
		_, err = b.queue.UndoOperation(v.request.Context(), id)
	} else {
		_, err = b.queue.CancelOperation(v.request.Context(), id)
	}
	return operationVerbs[name], err
}

// AuditOf is the entry of an operation in the audit, from the first page on.
func (r *operationRow) AuditOf() string {
	return "audit/?" + url.Values{"before": {strconv.FormatInt(r.AuditID+1, 10)}}.Encode()
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
