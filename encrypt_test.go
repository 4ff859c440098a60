package later_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type payArgs struct {
	Card string `json:"card" validate:"max=200"`
}

// secret must be found nowhere in a database.
const secret = "hunter2-4242"

func testKey(b byte) []byte { return append(bytes.Repeat([]byte{b}, 31), b+1) }

func payJob(name string, opts ...later.DefineOption) *later.ResultDefinition[payArgs, string] {
	return later.DefineResult[payArgs, string](name, append(opts, later.NotRetryable())...)
}

// payAndTell logs the card and returns it.
func payAndTell(ctx context.Context, args payArgs) (string, error) {
	later.Running(ctx).Logger.With("with", args.Card).Info("paid with "+args.Card, "card", args.Card)
	return args.Card, nil
}

func TestEncrypt(t *testing.T) {
	pay := payJob("PayJob", later.Encrypt(testKey(1)))
	file := tempFile(t)
	queue := queueOn(t, open(t, file), later.Config{}, pay.Do(payAndTell))
	job := enqueue(t, &pay.Definition, queue, payArgs{secret})
	drain(t, queue)

	for _, job := range []later.Job{job, get(t, queue, job.ID)} {
		if args, err := pay.Args(job); err != nil || args.Card != secret {
			t.Errorf("arguments: %+v, %v", args, err)
		}
		if !strings.HasPrefix(string(job.Args), `{"later:encrypted":`) {
			t.Errorf("stored: %s", job.Args)
		}
	}
	if result, err := pay.Await(t.Context(), queue, job.ID); err != nil || result != secret {
		t.Errorf("result: %q, %v", result, err)
	}
	lines, err := pay.Log(t.Context(), queue, job.ID)
	if err != nil || len(lines) != 1 || lines[0].Message != "paid with "+secret ||
		string(lines[0].Attrs) != `{"with":"`+secret+`","card":"`+secret+`"}` {
		t.Errorf("log: %+v, %v", lines, err)
	}
	if stored, err := queue.Log(t.Context(), job.ID); err != nil || len(stored) != 1 || stored[0].Message != "(encrypted)" {
		t.Errorf("stored log: %+v, %v", stored, err)
	}
	if now, err := pay.PerformNow(t.Context(), queue, payArgs{secret}); err != nil || now != secret {
		t.Errorf("performed now: %q, %v", now, err)
	}
	wantNowhere(t, filepath.Dir(file), secret)
}

// wantNowhere reads every file of a folder.
func wantNowhere(t *testing.T, folder, text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte(text)) {
			t.Errorf("%s contains %q", file, text)
		}
	}
}

func drain(t testing.TB, queue *later.JobQueue) {
	t.Helper()
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestEncryptCompleteTx: the result that a handler stores in its own transaction.
func TestEncryptCompleteTx(t *testing.T) {
	pay := payJob("PayJob", later.Encrypt(testKey(1)))
	store := open(t, tempFile(t))
	queue := queueOn(t, store, later.Config{}, pay.Do(func(ctx context.Context, args payArgs) (string, error) {
		tx, err := store.DB().BeginTx(ctx, nil)
		if err != nil {
			return "", err
		}
		defer tx.Rollback()
		if err := later.CompleteTx(ctx, store.Tx(tx), args.Card); err != nil {
			return "", err
		}
		return "", tx.Commit()
	}))
	job := enqueue(t, &pay.Definition, queue, payArgs{secret})
	drain(t, queue)
	done := get(t, queue, job.ID)
	if result, err := pay.Result(done); err != nil || result != secret || bytes.Contains(done.Result, []byte(secret)) {
		t.Errorf("result %q, %v; stored %s", result, err, done.Result)
	}
}

// TestEncryptRotates: old jobs are performed under the second key, new ones stored
// under the first.
func TestEncryptRotates(t *testing.T) {
	store := open(t, tempFile(t))
	old, both, after := payJob("PayJob", later.Encrypt(testKey(1))), payJob("PayJob", later.Encrypt(testKey(2), testKey(1))), payJob("PayJob", later.Encrypt(testKey(2)))
	first := enqueue(t, &old.Definition, queueOn(t, store, later.Config{}), payArgs{secret})
	queue := queueOn(t, store, later.Config{}, both.Do(payAndTell))
	second := enqueue(t, &both.Definition, queue, payArgs{secret})
	drain(t, queue)
	wantStatus(t, get(t, queue, first.ID), later.StatusCompleted)
	if result, err := after.Result(get(t, queue, first.ID)); err != nil || result != secret {
		t.Errorf("the result of the old job is under the new key: %q, %v", result, err)
	}
	if _, err := after.Args(get(t, queue, second.ID)); err != nil {
		t.Error(err)
	}
	if _, err := after.Args(get(t, queue, first.ID)); !errors.Is(err, later.ErrNoKey) {
		t.Errorf("the arguments of the old job: %v", err)
	}
}

// TestEncryptWithoutTheKeyWaits: a deployment without the key burns no attempt.
func TestEncryptWithoutTheKeyWaits(t *testing.T) {
	store := open(t, tempFile(t))
	pay, other, none := payJob("PayJob", later.Encrypt(testKey(1))), payJob("PayJob", later.Encrypt(testKey(2))), payJob("PayJob")
	queue := queueOn(t, store, later.Config{}, pay.Do(payAndTell))
	job := enqueue(t, &pay.Definition, queue, payArgs{secret})
	for _, wrong := range []*later.ResultDefinition[payArgs, string]{other, none} {
		drain(t, queueOn(t, store, later.Config{}, wrong.Do(func(context.Context, payArgs) (string, error) {
			t.Error("performed without the key")
			return "", nil
		})))
		waiting := get(t, queue, job.ID)
		if waiting.Status != later.StatusScheduled || waiting.Attempt != 0 || !strings.Contains(waiting.Reason, "it was encrypted with the key") {
			t.Errorf("%s, attempt %d: %s", waiting.Status, waiting.Attempt, waiting.Reason)
		}
		if err := queue.RunNow(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, queue)
	wantStatus(t, get(t, queue, job.ID), later.StatusCompleted)
}

// TestEncryptedIsBoundToItsType: what was moved or changed in the database fails at once.
func TestEncryptedIsBoundToItsType(t *testing.T) {
	store := open(t, tempFile(t))
	pay, refund := payJob("PayJob", later.Encrypt(testKey(1))), payJob("RefundJob", later.Encrypt(testKey(1)))
	queue := queueOn(t, store, later.Config{}, pay.Do(payAndTell), refund.Do(payAndTell))
	paid, refunded := enqueue(t, &pay.Definition, queue, payArgs{secret}), enqueue(t, &refund.Definition, queue, payArgs{secret})
	if _, err := queue.Enqueue(t.Context(), "RefundJob", paid.Args); !errors.Is(err, later.ErrInvalidArgs) {
		t.Errorf("the arguments of another type: %v", err)
	}
	update(t, store, "UPDATE later_job SET args = ? WHERE id = ?", string(paid.Args), refunded.ID)
	update(t, store, "UPDATE later_job SET args = ? WHERE id = ?", strings.Replace(string(paid.Args), `"data":"`, `"data":"AAAA`, 1), paid.ID)
	drain(t, queue)
	for _, id := range []int64{paid.ID, refunded.ID} {
		if job := get(t, queue, id); job.Status != later.StatusFailed || !strings.Contains(job.Error, "encrypted value is broken") {
			t.Errorf("%s is %s: %s", job.Type, job.Status, job.Error)
		}
	}
}

func update(t *testing.T, s *sqlite.Store, query string, args ...any) {
	t.Helper()
	result, err := s.DB().ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

func TestEncryptByName(t *testing.T) {
	store := open(t, tempFile(t))
	pay := payJob("PayJob", later.Encrypt(testKey(1)), later.FormerlyNamed("OldPayJob"))
	worker, other := queueOn(t, store, later.Config{}, pay.Do(payAndTell)), queueOn(t, store, later.Config{})
	job, err := worker.Enqueue(t.Context(), "PayJob", json.RawMessage(`{"card":"`+secret+`"}`))
	if err != nil || bytes.Contains(job.Args, []byte(secret)) {
		t.Errorf("stored %s, %v", job.Args, err)
	}
	if _, err := worker.Enqueue(t.Context(), "PayJob", job.Args); err != nil {
		t.Errorf("a copy of stored arguments: %v", err)
	}
	drain(t, worker) // it publishes its types, too
	_, err = other.Enqueue(t.Context(), "PayJob", json.RawMessage(`{"card":"`+secret+`"}`))
	if !errors.Is(err, later.ErrNoKey) || !strings.Contains(err.Error(), "PayJob are stored encrypted") {
		t.Errorf("without the key: %v", err)
	}
	_, err = other.Enqueue(t.Context(), "PayJob", json.RawMessage(`{"card":"`+secret))
	if !errors.Is(err, later.ErrInvalidArgs) || strings.Contains(err.Error(), secret) {
		t.Errorf("malformed: %v", err)
	}
	jobs, err := other.List(t.Context(), later.Filter{})
	if err != nil || len(jobs) != 2 {
		t.Errorf("stored %d jobs, %v", len(jobs), err)
	}
	for _, job := range jobs {
		wantStatus(t, job, later.StatusCompleted)
	}
}

// TestEncryptFormerName: the jobs of the old name are read under the new.
func TestEncryptFormerName(t *testing.T) {
	store := open(t, tempFile(t))
	old, renamed := payJob("OldPayJob", later.Encrypt(testKey(1))), payJob("PayJob", later.Encrypt(testKey(1)), later.FormerlyNamed("OldPayJob"))
	queue := queueOn(t, store, later.Config{}, renamed.Do(payAndTell))
	job := enqueue(t, &old.Definition, queue, payArgs{secret})
	drain(t, queue)
	if result, err := renamed.Await(t.Context(), queue, job.ID); err != nil || result != secret {
		t.Errorf("result %q, %v", result, err)
	}
}

// TestEncryptLater: jobs that were stored before the definition had keys are performed.
func TestEncryptLater(t *testing.T) {
	store := open(t, tempFile(t))
	before, after := payJob("PayJob"), payJob("PayJob", later.Encrypt(testKey(1)))
	queue := queueOn(t, store, later.Config{}, after.Do(payAndTell))
	job := enqueue(t, &before.Definition, queue, payArgs{secret})
	drain(t, queue)
	wantStatus(t, get(t, queue, job.ID), later.StatusCompleted)
}

func TestEncryptRefuses(t *testing.T) {
	queue := newQueue(t, later.Config{MaxArgs: 256})
	ctx := t.Context()
	for name, pay := range map[string]*later.ResultDefinition[payArgs, string]{
		"no keys": payJob("PayJob", later.Encrypt()), "a short one": payJob("PayJob", later.Encrypt(testKey(1), []byte("short"))),
		"zeros": payJob("PayJob", later.Encrypt(make([]byte, 32))),
	} {
		if _, err := pay.PerformLater(ctx, queue, payArgs{secret}); !errors.Is(err, later.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
		if err := queueOn(t, open(t, tempFile(t)), later.Config{}, pay.Do(payAndTell)).Start(ctx); !errors.Is(err, later.ErrInvalidOption) {
			t.Errorf("%s: started with %v", name, err)
		}
	}
	pay := payJob("PayJob", later.Encrypt(testKey(1)))
	if _, err := pay.PerformLater(ctx, queue, payArgs{strings.Repeat("x", 180)}); !errors.Is(err, later.ErrTooLarge) {
		t.Errorf("the stored form is larger than MaxArgs: %v", err)
	}
	if _, err := pay.PerformLater(ctx, queue, payArgs{strings.Repeat(secret, 20)}); !errors.Is(err, later.ErrInvalidArgs) || strings.Contains(err.Error(), secret) {
		t.Errorf("validated before it is encrypted: %v", err)
	}
	looks := later.Define[json.RawMessage]("PlainJob")
	if _, err := looks.PerformLater(ctx, queue, json.RawMessage(`{"later:encrypted":{"v":1}}`)); !errors.Is(err, later.ErrInvalidArgs) {
		t.Errorf("what looks encrypted: %v", err)
	}
	if jobs, err := queue.List(ctx, later.Filter{}); err != nil || len(jobs) != 0 {
		t.Errorf("stored %d jobs, %v", len(jobs), err)
	}
}

// TestEncryptedArgumentsAreNotInErrors: those of an attempt are stored as they are.
func TestEncryptedArgumentsAreNotInErrors(t *testing.T) {
	type strict struct {
		Card string `json:"card" validate:"numeric"`
	}
	type typed struct {
		Card int `json:"card"`
	}
	for _, handler := range []later.Handler{
		later.Define[strict]("PayJob", later.Encrypt(testKey(1))).Do(func(context.Context, strict) error { return nil }),
		later.Define[typed]("PayJob", later.Encrypt(testKey(1))).Do(func(context.Context, typed) error { return nil }),
	} {
		queue := newQueue(t, later.Config{}, handler)
		pay := payJob("PayJob", later.Encrypt(testKey(1)))
		job := enqueue(t, &pay.Definition, queue, payArgs{secret})
		drain(t, queue)
		if failed := get(t, queue, job.ID); failed.Status != later.StatusFailed || !strings.Contains(failed.Error, "/card ") || strings.Contains(failed.Error, secret) {
			t.Errorf("%s: %s", failed.Status, failed.Error)
		}
	}
}
