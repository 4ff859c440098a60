package comingfrom

import (
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

func TestWelcome(t *testing.T) {
	mailer := &Mailer{Addresses: map[int64]string{42: "ada@example.com"}}
	queue := latertest.New(t, later.Config{})
	if err := NewQueue(queue, mailer); err != nil {
		t.Fatal(err)
	}
	if _, err := Welcome.PerformLater(t.Context(), queue, WelcomeArgs{UserID: 42}); err != nil {
		t.Fatal(err)
	}
	latertest.Enqueued(t, queue, Welcome, latertest.Args(WelcomeArgs{UserID: 42}), latertest.Times(1))
	latertest.Drain(t, queue)
	latertest.Performed(t, queue, Welcome)
	if !slices.Equal(mailer.Sent, []string{"ada@example.com"}) {
		t.Errorf("sent to %v", mailer.Sent)
	}
}

func TestEnqueue(t *testing.T) {
	mailer := &Mailer{Addresses: map[int64]string{42: "ada@example.com"}}
	queue := latertest.New(t, later.Config{})
	if err := NewQueue(queue, mailer); err != nil {
		t.Fatal(err)
	}
	if err := Enqueue(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	if n := latertest.Drain(t, queue, latertest.Within(2*time.Hour)); n != 4 || len(mailer.Sent) != 4 { // 43 is nobody
		t.Errorf("%d performed, %v", n, mailer.Sent)
	}
	nobody := latertest.Performed(t, queue, Welcome, latertest.Args(WelcomeArgs{UserID: 43}))[0]
	if nobody.Status != later.StatusFailed || nobody.Attempt != 1 {
		t.Errorf("%s after %d attempts", nobody.Status, nobody.Attempt)
	}
}

func TestEnqueueAsThere(t *testing.T) {
	mailer := &Mailer{Addresses: map[int64]string{42: "ada@example.com"}}
	queue := latertest.New(t, later.Config{}, WelcomeEmail.Do(mailer.Perform))
	if err := EnqueueAsThere(t.Context(), queue, time.Now().Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, queue)
	if len(mailer.Sent) != 3 { // now, later and by name; two are for tomorrow
		t.Errorf("sent to %v", mailer.Sent)
	}
	tomorrow := latertest.Enqueued(t, queue, WelcomeEmail, latertest.Times(2), latertest.Where(func(job latertest.Job[WelcomeArgs]) bool {
		return job.Status == later.StatusScheduled
	}))
	if first := tomorrow[0]; first.Priority != 50 || first.UserID != "42" || first.TargetID != "user/42" {
		t.Errorf("%+v", first)
	}
}

func TestSyncIsUnique(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	if err := NewQueue(queue, &Mailer{}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		job, err := Sync.PerformLater(t.Context(), queue, SyncArgs{Account: "locked"})
		if err != nil || job.ID != 1 || job.Deduplicated != (i == 1) {
			t.Errorf("job %+v, %v", job, err)
		}
	}
	latertest.Drain(t, queue)
	if job := latertest.Performed(t, queue, Sync)[0]; job.Status != later.StatusScheduled || job.Attempt != 0 {
		t.Errorf("%s after %d attempts", job.Status, job.Attempt)
	}
}

func TestImportGoesOn(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	if err := NewQueue(queue, &Mailer{}); err != nil {
		t.Fatal(err)
	}
	job, err := Import.PerformLater(t.Context(), queue, ImportArgs{Rows: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, queue)
	if n, err := Import.Await(t.Context(), queue, job.ID); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
}
