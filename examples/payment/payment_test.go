package payment

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/sqlite"
)

var order = OrderArgs{Order: 7, Email: "ada@example.com", Cents: 1200}

// ledger is the world outside: a file to which everything that happens is appended.
type ledger string

func (l ledger) note(line string) error {
	f, err := os.OpenFile(string(l), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

func (l ledger) lines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(string(l))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func (l ledger) charge(_ context.Context, key string, _ int64) (Receipt, error) {
	return Receipt{"R-1"}, l.note("charged " + key)
}

func (l ledger) mail(_ context.Context, to, text string) error {
	return l.note("mailed " + to + ": " + text)
}

// TestRetryDoesNotChargeTwice: the mail server is down for a while, and the customer is
// asked a week later.
func TestRetryDoesNotChargeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, down := ledger(t.TempDir()+"/ledger"), 3
		shop := &Shop{Charge: l.charge, Wait: 7 * 24 * time.Hour, Mail: func(ctx context.Context, to, text string) error {
			if down--; down >= 0 {
				return errors.New("the mail server is down")
			}
			return l.mail(ctx, to, text)
		}}
		queue := latertest.New(t, later.Config{}, FulfilOrder.Do(shop.Fulfil))
		job, err := FulfilOrder.PerformLater(t.Context(), queue, order)
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			latertest.Drain(t, queue)
			<-time.After(2 * 24 * time.Hour)
		}
		latertest.Drain(t, queue)
		if job, err = queue.Get(t.Context(), job.ID); err != nil || job.Status != later.StatusCompleted {
			t.Errorf("%s %s, %v", job.Status, job.Error, err)
		}
		lines := l.lines(t)
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "charged ") || !strings.HasSuffix(lines[1], "receipt is R-1.") ||
			!strings.HasSuffix(lines[2], "content?") {
			t.Errorf("the ledger says %q", lines)
		}
	})
}

// TestKilledBetweenChargeAndMail: a real process dies by kill -9 when it has charged and
// is about to mail. The next one mails, with the receipt of the charge, and does not
// charge again.
func TestKilledBetweenChargeAndMail(t *testing.T) {
	if path := os.Getenv("PAYMENT_TEST_DIES"); path != "" {
		dieBeforeMail(t, path)
		return
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledBetweenChargeAndMail$")
	child.Env = append(os.Environ(), "PAYMENT_TEST_DIES="+dir)
	if out, err := child.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended otherwise: %v\n%s", err, out)
	}
	l := ledger(dir + "/ledger")
	if got := l.lines(t); len(got) != 1 {
		t.Fatalf("after the kill the ledger says %q", got)
	}
	queue := open(t, dir, &Shop{Charge: l.charge, Mail: l.mail})
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer queue.Stop(context.Background())
	job, err := queue.Wait(t.Context(), 1)
	if err != nil || job.Status != later.StatusCompleted || job.Crashes != 1 || job.Attempt != 1 {
		t.Errorf("job %+v, %v", job, err)
	}
	if got := l.lines(t); len(got) != 3 || !strings.Contains(got[1], "R-1") {
		t.Errorf("the ledger says %q", got)
	}
}

func open(t *testing.T, dir string, shop *Shop) *later.JobQueue {
	t.Helper()
	store, err := sqlite.Open(dir + "/jobs.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	queue := later.New(store, later.Config{})
	queue.Register(FulfilOrder.Do(shop.Fulfil))
	return queue
}

// dieBeforeMail is the process that is killed.
func dieBeforeMail(t *testing.T, dir string) {
	l := ledger(dir + "/ledger")
	queue := open(t, dir, &Shop{Charge: l.charge, Mail: func(context.Context, string, string) error {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		return err
	}})
	if _, err := FulfilOrder.PerformLater(t.Context(), queue, order); err != nil {
		t.Fatal(err)
	}
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done()
}
