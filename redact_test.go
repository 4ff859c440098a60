package later_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

type billArgs struct {
	Order int64      `json:"order"`
	Cards []billCard `json:"cards" validate:"dive"`
}

type billCard struct {
	Number string `json:"number" later:"redact" validate:"max=30"`
	Holder string `json:"holder"`
}

// branch holds itself, so that no schema can say which of its fields are not to be shown.
type branch struct {
	Secret string   `json:"secret" later:"redact"`
	Below  []branch `json:"below"`
}

func TestRedact(t *testing.T) {
	store := open(t, tempFile(t))
	bill := later.DefineResult[billArgs, billCard]("BillJob", later.FormerlyNamed("OldBillJob"))
	former := later.Define[billArgs]("OldBillJob")
	tree := later.Define[branch]("TreeJob")
	plain := later.Define[payArgs]("PayJob")
	worker := queueOn(t, store, later.Config{},
		bill.Do(func(_ context.Context, args billArgs) (billCard, error) { return args.Cards[0], nil }),
		tree.Do(func(context.Context, branch) error { return nil }),
		plain.Do(func(context.Context, payArgs) error { return nil }))
	cards := billArgs{7, []billCard{{secret, "Ada"}}}
	enqueue(t, &bill.Definition, worker, cards)
	enqueue(t, former, worker, cards)
	enqueue(t, tree, worker, branch{secret, nil})
	enqueue(t, plain, worker, payArgs{"shown"})
	drain(t, worker)

	for name, queue := range map[string]*later.JobQueue{"by definition": worker, "as published": queueOn(t, store, later.Config{})} {
		jobs, err := queue.List(t.Context(), later.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := queue.Redact(t.Context(), jobs...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(shown)
		if err != nil || strings.Contains(string(text), secret) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
		const want = `{"order":7,"cards":[{"number":"[redacted]","holder":"Ada"}]}`
		if string(shown[3].Args) != want || string(shown[2].Args) != want || string(shown[3].Result) != `{"number":"[redacted]","holder":"Ada"}` {
			t.Errorf("%s: %s, formerly %s, result %s", name, shown[3].Args, shown[2].Args, shown[3].Result)
		}
		if string(shown[1].Args) != `"[redacted]"` || string(shown[0].Args) != `{"card":"shown"}` {
			t.Errorf("%s: %s, %s", name, shown[1].Args, shown[0].Args)
		}
		if args, err := bill.Args(jobs[3]); err != nil || args.Cards[0].Number != secret {
			t.Errorf("%s: the jobs themselves were changed: %+v, %v", name, args, err)
		}
	}
}

// TestRedactedValuesAreNotInErrors: by definition, by name, and by what was published.
func TestRedactedValuesAreNotInErrors(t *testing.T) {
	store := open(t, tempFile(t))
	bill := later.Define[billArgs]("BillJob")
	worker := queueOn(t, store, later.Config{}, bill.Do(func(context.Context, billArgs) error { return nil }))
	drain(t, worker)
	long := strings.Repeat(secret, 5)
	_, typed := bill.PerformLater(t.Context(), worker, billArgs{7, []billCard{{long, "Ada"}}})
	errs := []error{typed}
	for _, queue := range []*later.JobQueue{worker, queueOn(t, store, later.Config{})} {
		for _, raw := range []string{
			`{"cards":[{"number":"` + long + `"}]}`, `{"cards":[{"number":["` + secret + `"]}]}`, `{"cards":"` + secret + `"}`, `{"cards":"` + secret,
		} {
			_, err := queue.Enqueue(t.Context(), "BillJob", json.RawMessage(raw))
			errs = append(errs, err)
		}
	}
	for _, err := range errs {
		if !errors.Is(err, later.ErrInvalidArgs) || strings.Contains(err.Error(), secret) {
			t.Errorf("refused with: %v", err)
		}
	}
}

// TestGuard: what is not shown is not found out by asking either.
func TestGuard(t *testing.T) {
	store := open(t, tempFile(t))
	bill := later.Define[billArgs]("BillJob", later.FormerlyNamed("OldBillJob"))
	worker := queueOn(t, store, later.Config{}, bill.Do(func(context.Context, billArgs) error { return nil }))
	start(t, worker)
	for name, queue := range map[string]*later.JobQueue{"the process that defines it": worker, "another one": queueOn(t, store, later.Config{})} {
		for text, allowed := range map[string]bool{
			"": true, "args.order:7": true, "args.cards.holder:x": true, "type:BillJob args.cards.0.holder:x": true, "type:PayJob args.cards.number:4*": true,
			"args.cards.number:4*": false, "-args.cards.0.number:4*": false, "args.cards.number:*": false, "type:BillJob args.cards.number:>4": false,
			"type:OldBillJob args.cards.number:4": false, "type:Bill* args.cards.number:4": false, "-type:BillJob args.cards.number:4": false, "type:PayJob,BillJob args.cards.number:4": false,
		} {
			f, err := later.ParseFilter(text, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := queue.Guard(t.Context(), f); (err == nil) != allowed || !allowed && !errors.Is(err, later.ErrInvalidFilter) {
				t.Errorf("%s, %q: %v", name, text, err)
			}
		}
	}
}

// TestGuardHidesTexts: words are not looked for where something is redacted, and an
// operation neither asks for it nor looks there.
func TestGuardHidesTexts(t *testing.T) {
	store := open(t, tempFile(t))
	worker := queueOn(t, store, later.Config{}, later.Define[billArgs]("BillJob", later.FormerlyNamed("OldBillJob")).Do(func(context.Context, billArgs) error { return nil }),
		later.Define[struct{ Note string }]("NoteJob").Do(func(context.Context, struct{ Note string }) error { return nil }))
	bill, err := worker.Enqueue(t.Context(), "BillJob", json.RawMessage(`{"order":7,"cards":[{"number":"4242","holder":"ada"}]}`), later.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	note, err := worker.Enqueue(t.Context(), "NoteJob", json.RawMessage(`{"Note":"order 4242"}`), later.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	start(t, worker)
	for name, queue := range map[string]*later.JobQueue{"the process that defines it": worker, "another one": queueOn(t, store, later.Config{})} {
		for _, text := range []string{"4242", "text:4242", "4242 -queue:x", "type:BillJob,NoteJob 4242"} {
			f, err := later.ParseFilter(text, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			f, err = queue.Guard(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if found, err := queue.Search(t.Context(), f); err != nil || len(found.Jobs) != 1 || found.Jobs[0].ID != note.ID {
				t.Errorf("%s, %q finds %+v, %v", name, text, found.Jobs, err)
			}
		}
	}
	asks, err := later.ParseFilter("args.cards.number:4*", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := worker.Operate(t.Context(), later.Operation{Action: later.OperationCancel, Filter: asks}); !errors.Is(err, later.ErrInvalidFilter) || strings.Contains(err.Error(), "4*") {
		t.Errorf("an operation on what is redacted: %v", err)
	}
	o, err := worker.Operate(t.Context(), later.Operation{Action: later.OperationCancel, Filter: later.Filter{Text: "4242"}})
	if err != nil {
		t.Fatal(err)
	}
	if o, err = worker.AwaitOperation(t.Context(), o.ID); err != nil || o.Changed != 1 {
		t.Errorf("an operation on a text: %+v, %v", o, err)
	}
	if job, err := worker.Get(t.Context(), bill.ID); err != nil || job.Status != later.StatusScheduled {
		t.Errorf("the job with the redacted value is %s, %v", job.Status, err)
	}
	entries, err := worker.Audit(t.Context(), later.AuditFilter{Action: "cancel"})
	if err != nil || len(entries) != 1 || entries[0].Target != "text:4242" {
		t.Errorf("audit: %+v, %v", entries, err)
	}
}
